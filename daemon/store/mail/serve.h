/* What runs in the process apart, see apart.h. */
#ifndef STORE_MAIL_SERVE_H
#define STORE_MAIL_SERVE_H

/* Gives up all that it can, and serves until the other end is closed. */
void mail_serve(int socket, int memory);

#endif
