#ifndef SYSTEM_ERROR_MESSAGES_H
#define SYSTEM_ERROR_MESSAGES_H

#include "pty.h"

/* Error messages of the programs: provokes them, checks their form and records them, so that at the
 * end a test can expect every message that tests/messages finds in the sources. */

/* Checks the form of each line of text, expects at least one line, and records them. command is for
 * the failure message. */
void error_messages_check(const char *command, const char *text);
/* Records text without a check of its form: output of a terminal, or messages within other output.
 */
void error_messages_record(const char *text);

/* Runs a program. words is the command, split at blanks; the word '' is an empty argument. input,
 * or NULL for none, is its stdin. */
struct result error_messages_run(harness_prepare *prepare, const char *input, const char *words);
/* Runs a program likewise, expects it to fail, and checks its stderr by error_messages_check. */
void error_messages_expect(harness_prepare *prepare, const char *input, const char *words);

/* Runs a program against a fake server on a Unix socket, whose path replaces the word @. The server
 * answers the first request by answer; FAKE_SERVER_NEXT_ANSWER divides answers to several requests.
 * Then it closes the connection (FAKE_SERVER_CLOSES), or keeps it open until the program has ended
 * (FAKE_SERVER_WAITS). stderr is checked by error_messages_check; if loose, stdout and stderr are
 * only recorded. */
#define FAKE_SERVER_NEXT_ANSWER '\f'
enum fake_server_end { FAKE_SERVER_CLOSES, FAKE_SERVER_WAITS };
void error_messages_expect_of_fake_server(const char *words, const char *answer,
                                          enum fake_server_end manner, bool loose);

/* Starts a program at a terminal and waits until it has written text. Then runs meanwhile (a shell
 * command, or NULL), types keys, waits until the program has written error, and kills the program.
 * Records all output. */
void error_messages_at_terminal(const char *words, const char *text, const char *meanwhile,
                                const char *keys, const char *error);

/* Expects that every message of the sources was recorded. */
void error_messages_expect_all(void);

/* These are in messages_server.c and messages_gateway.c: they provoke the messages of udpctl and of
 * udpsrv. */
void provoke_ctl(void);
void provoke_server(void);
void provoke_gateway(void);

#endif
