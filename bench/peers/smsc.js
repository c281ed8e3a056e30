// A carrier's SMSC: it takes every submit_sm, answers at once, and reports each as delivered. Prints its port.
const smpp = require("smpp");

let last = 0;

const server = smpp.createServer((session) => {
  const agree = (pdu) => session.send(pdu.response());
  session.on("bind_transceiver", agree);
  session.on("enquire_link", agree);
  session.on("unbind", agree);
  session.on("error", () => session.destroy());
  session.on("submit_sm", (pdu) => {
    const id = String(++last);
    session.send(pdu.response({ message_id: id }));
    session.deliver_sm({
      source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr,
      esm_class: 4,
      short_message: `id:${id} sub:001 dlvrd:001 submit date:2603121403 done date:2603121404 stat:DELIVRD err:000`,
    });
  });
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
