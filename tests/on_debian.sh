#!/usr/bin/env bash
# The parts that speak SQL, once more on Debian's PostgreSQL 15 where it is installed.
set -euo pipefail
python=$1
bin=/usr/lib/postgresql/15/bin
if [ ! -x "$bin/initdb" ]; then echo "Debian's PostgreSQL 15 is not installed: skipped"; exit 0; fi
if [ "$(id -u)" != 0 ]; then echo "not root: Debian's PostgreSQL 15 skipped"; exit 0; fi
# In memory where there is room for it (GB): nothing of it is to last.
room=$(df --output=avail -BG /dev/shm 2>/dev/null | tail -n 1 | tr -dc 0-9)
if [ "${room:-0}" -ge 4 ]; then place=/dev/shm; else place=/var/tmp; fi
folder=$(mktemp -d "$place/placet15-XXXXXX")
chmod 755 "$folder"
as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
install -d -o postgres -g postgres -m 700 "$folder/data" "$folder/run"
trap 'as "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1; rm -rf "$folder"' EXIT
as "$bin/initdb" -D "$folder/data" -E UTF8 --locale=C.UTF-8 --auth=trust >/dev/null
port=$((20000 + RANDOM % 20000))
as "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/data/log" \
  -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$folder/run -c fsync=off -c max_connections=200" start >/dev/null
as "$bin/psql" -q -h 127.0.0.1 -p "$port" -d postgres -c "CREATE ROLE placet LOGIN CREATEROLE CREATEDB" -c "CREATE DATABASE placet OWNER placet"
PLACET_TEST_DATABASE_URL="postgresql://placet@127.0.0.1:$port/placet" "$python" -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not browser" -q \
  tests/store tests/subjects tests/access tests/catalogue tests/ledger tests/consents tests/gate tests/rights tests/delivery
