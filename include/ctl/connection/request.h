#ifndef CTL_CONNECTION_REQUEST_H
#define CTL_CONNECTION_REQUEST_H

#include "ctl/connection/answer.h"
#include "ctl/output/output.h"

/* Asks for a record, which is whole when the result is ANSWER_OK. */
enum answer_result request_record(const struct answer_server *server, const char *command,
                                  struct output_record *record, char error[ANSWER_ERROR_BYTES]);

/* Whether an answer that has ended had all of a record: ANSWER_OK, or ANSWER_BROKEN. */
enum answer_result request_complete(const struct output_record *record,
                                    char error[ANSWER_ERROR_BYTES]);

/* Asks for a table and prints it. */
enum answer_result request_table(const struct answer_server *server, const char *command,
                                 struct output_table *table, char error[ANSWER_ERROR_BYTES]);

#endif
