#ifndef SYSTEM_UDPCLI_SERVICE_H
#define SYSTEM_UDPCLI_SERVICE_H

#include "harness.h"

/* A UDP service that the test itself plays, and udpcli started as its client. */

extern int service_udp;                /* the socket of the service */
extern const char *service_name;       /* its address */
extern struct endpoint service_client; /* the sender of the last request */

void service_open(const char *local);
void service_open_ipv4(void); /* on 127.0.0.1; as .init of a test */

/* Expects a request, whose sender becomes service_client. */
void service_expect(const char *request);
/* Expects a request and sends a reply. */
void service_answer(const char *request, const char *reply);
/* Answers count requests with their own bytes. */
void service_echo(int count);

/* Starts udpcli with the words of a text: @ is the address of the service, '' an empty word.
 * prepare, or NULL, runs in the child before. */
void udpcli_start(struct process *process, harness_prepare *prepare, const char *words);
/* Returns what it has printed so far to stdout (0) or stderr (1). */
const char *udpcli_output(const struct process *process, int stream);
/* Closes its standard input, and expects its status and its complete output. The second function
 * expects status 0 and no error message. */
void udpcli_expect_end(struct process *process, int status, const char *out);
void udpcli_expect_success(struct process *process, const char *out);

/* Returns count lines, each with its number. */
const char *numbered_lines(int count);

#ifndef HARNESS_INTERNAL
#define service_expect(...)        HERE(service_expect(__VA_ARGS__))
#define service_answer(...)        HERE(service_answer(__VA_ARGS__))
#define service_echo(...)          HERE(service_echo(__VA_ARGS__))
#define udpcli_expect_end(...)     HERE(udpcli_expect_end(__VA_ARGS__))
#define udpcli_expect_success(...) HERE(udpcli_expect_success(__VA_ARGS__))
#endif

#endif
