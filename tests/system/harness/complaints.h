#ifndef SYSTEM_COMPLAINTS_H
#define SYSTEM_COMPLAINTS_H

#include "pty.h"

/* What the programs say when something goes wrong: provoked, held to one form, and kept, so that in
 * the end all that tests/messages finds in the sources was seen. */

/* Holds lines, of which there is at least one, to the form, and keeps them. */
void complaints_see(const char *command, const char *text);
/* Keeps what was said on a terminal, or among other things, and doesn't begin a line. */
void complaints_keep(const char *text);

/* Runs a program with words between blanks, of which '' is an empty one. input, or NULL for none,
 * is its stdin. */
struct result complaints_run(harness_prepare *prepare, const char *input, const char *words);
/* The same, and expects it to fail with complaints on stderr, which are seen. */
void complaints_expect(harness_prepare *prepare, const char *input, const char *words);

/* Runs udpctl, or another program that takes its socket's path at the end of words, against a
 * server that answers its first line by answer, and hangs up or (hangs) keeps still. An answer may
 * have several parts with COMPLAINTS_NEXT between, each for another line. What the program says is
 * seen, or else (loose) kept. */
#define COMPLAINTS_NEXT '\f'
enum complaints_server { COMPLAINTS_ENDS, COMPLAINTS_HANGS };
void complaints_fake(const char *words, const char *answer, enum complaints_server manner,
                     bool loose);

/* Starts a program at a terminal; once it was sent text, runs meanwhile (a line of sh, or NULL),
 * types keys, and reads until it was sent complaint, all of which is kept; then it is killed. */
void complaints_at_terminal(const char *words, const char *text, const char *meanwhile,
                            const char *keys, const char *complaint);

/* Expects all that the sources have to say to have been seen. */
void complaints_expect_all(void);

/* Of messages_server.c. */
void provoke_ctl(void);
void provoke_server(void);

#endif
