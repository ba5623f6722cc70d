"""HTTP: the server, the forms of requests and answers, the record of calls, faults and control."""
