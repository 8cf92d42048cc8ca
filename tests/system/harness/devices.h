#ifndef SYSTEM_DEVICES_H
#define SYSTEM_DEVICES_H

#include "harness.h"

/* Devices: clients that get messages in frames and confirm them; and the confirmed jobs of the
 * server that sends them. */

enum { DEVICE_MESSAGE_HEAD = 14 /* bytes of a message frame before the payload */ };

/* Asks for frames. */
void device_send_hello(int udp, const struct endpoint *server);

/* Returns the socket of a new device, which is registered at the first listener. */
int device_join(const struct server *server);

/* Expects that the next datagram is a message; returns its number, and its text. */
uint64_t receive_message(int udp, const char **text);
/* The same for a message with this text. */
uint64_t expect_message(int udp, const char *text);

/* Confirms a message by its number; the same after expect_message. */
void confirm(int udp, const struct endpoint *server, uint64_t number);
void confirm_message(int udp, const struct endpoint *server, const char *text);

/* Returns a member of `job ID --json`, -1 if it has none of that name. */
int64_t job_count(const struct server *server, int job, const char *name);

/* A job that the server has not begun yet is in no state. */
bool job_is(const struct server *server, int job, const char *state);
void await_job(const struct server *server, int job, const char *state);
/* Expects these counts of one state of the job. */
void expect_tally(const struct server *server, int job, int confirmed, int silent, int plain);

/* Returns the output of `job ID WHICH`, and whether a client is listed there. */
const char *list_clients(const struct server *server, int job, const char *which);
bool is_listed(const char *list, int udp);

#endif
