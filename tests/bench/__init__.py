"""The performance budget, measured: every row as a ratio to a bare aiohttp forwarder in the same interleaved run.

`make bench` runs it; pytest does not collect it. Absolute figures belong to one machine and one hour, ratios travel: the
budget's figures were taken where the forwarder costs 0.15 ms of CPU a call, and `budget` turns them into ratios.

    __main__    options, the table, the verdict
    rows        what each row does and measures
    budget      the allowed ratios and where they come from
    servers     starts, pins, watches and ends the processes under test
    forwarder   the yardstick: an aiohttp server and an aiohttp client, and nothing between them
    upstream    the scripted provider
    load        the clients
    bodies      what is asked

Upstream and clients share one process and one event loop on one core, the process under test has the other. All traffic
is on loopback, every loop is bounded in count and time, and whatever was started is ended. Needs Linux (/proc).
"""
