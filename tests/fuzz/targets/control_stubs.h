/* For the target `control`: what the sessions run on, in place of os/, of the workers and of the
 * queue of broadcasts. What would happen later, in the loop or in a worker, is pending until
 * stub_run_one runs it. There is one worker, whose publisher of events is the real one. */
#ifndef FUZZ_CONTROL_STUBS_H
#define FUZZ_CONTROL_STUBS_H

#include "server/control/commands/command_context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STUB_JOBS_MAX = 8 /* that have not ended; jobs_submit refuses more */ };

/* Opens the worker, the subscriptions, and the socket of sessions with that role. */
void stub_open(const struct control_role *role);

/* Accepts a connection. */
void stub_connect(void);

/* Runs one thing that is pending; choice selects it where the order is open. Returns false if there
 * is nothing. */
bool stub_run_one(unsigned choice);

/* Whether the session of the latest connection waits for the end of a broadcast. */
bool stub_job_is_pending(void);

/* A client sends a message; the configuration is reloaded. */
void stub_publish_message(const uint8_t *bytes, size_t size);
void stub_publish_event(void);

/* Stops the server, as server/server_stop does. It may be repeated. */
void stub_stop(void);
bool stub_is_stopping(void);

/* Closes what stub_open has opened. Nothing may be pending. */
void stub_close(void);

#endif
