"""The figures of the core, each beside its peer: `make bench NAME=core [QUICK=1]`."""

if __name__ == "__main__":
    # Here, since the processes that verification starts import this module again, and need none of the peers.
    from bench.figures import main

    main()
