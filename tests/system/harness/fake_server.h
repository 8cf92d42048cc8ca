#ifndef SYSTEM_FAKE_SERVER_H
#define SYSTEM_FAKE_SERVER_H

/* Listens on a Unix socket at path, where the test itself answers udpctl. Returns the listening
 * socket, which the caller closes. */
int fake_server_listen(const char *path);

#endif
