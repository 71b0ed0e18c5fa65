"""Jobs that take records as they come: sealed on arrival, closed after an interval, anchored like any other.

::

    KEYS/spools/JOB.spool    rows as they were sealed, their data keys wrapped; locked while its process lives
    OUT/job.json             the header, frozen before the first record
    OUT/pictures/            sealed pictures, where the service keeps them
    OUT/closed.json          how many records there were; from here on an ordinary job

A record is in the spool before it is answered. A process that dies leaves its spool unlocked: whoever closes jobs
finds it, drops a torn last frame (that request was never answered), and closes the job as its owner would have.
"""
