"""What the integration tests share: mail to serve, servers to serve it.

corpus        real-looking mail, the same for the same seed
certificates  a certificate authority, and good and bad certificates
dovecot       a real Dovecot, unprivileged, in a folder of its own
maildropd     the project's own POP3 server
pop3          reading a maildrop as raw bytes
procs         folders, deadlines, commands, memory of a process

Only Python's standard library and the openssl command are needed.
"""
