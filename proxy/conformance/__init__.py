"""The conformance suite: what "supported" means, and how anybody can find out whether it holds.

    scenarios/   what apps ask and models say, by section, as data       scenario    how they are read
    simulators/  providers that behave, and refuse, as the real ones do  targets     which one plays whom
    clients      apps of both dialects over plain HTTP                   reading     their answers, read strictly
    stage        one simulator, one real joch, one client                runner      scenarios played and compared
    comparing    what is not as it should be, in plain words             report      the matrix

`joch providers verify NAME` is the command, `plugin` the same for pytest. Nothing here imports an SDK.
"""
