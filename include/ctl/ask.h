#ifndef CTL_ASK_H
#define CTL_ASK_H

#include "ctl/answer.h"
#include "ctl/output.h"

/* Asks for a record, which is whole when the result is ANSWER_OK. */
enum answer_result ask_record(const struct answer_server *server, const char *command,
                              struct output_record *record, char error[ANSWER_ERROR_BYTES]);

/* Whether an answer that has ended had all of a record: ANSWER_OK, or ANSWER_BROKEN. */
enum answer_result ask_complete(const struct output_record *record, char error[ANSWER_ERROR_BYTES]);

/* Asks for a table and prints it. */
enum answer_result ask_table(const struct answer_server *server, const char *command,
                             struct output_table *table, char error[ANSWER_ERROR_BYTES]);

#endif
