#ifndef CTL_CONNECTION_RECORD_REQUEST_H
#define CTL_CONNECTION_RECORD_REQUEST_H

#include "ctl/connection/control_server.h"
#include "ctl/output/output_record.h"
#include "ctl/output/output_table.h"

/* Blocking commands whose answer is a record (one line per field) or a table (one line per row). */

/* Sends a command and fills in the record. After ANSWER_OK every field has a value. */
enum answer_result record_request(const struct control_server *server, const char *command,
                                  struct output_record *record, char error[ANSWER_ERROR_BYTES]);

/* Checks after a complete answer that every field has a value. Returns ANSWER_OK, or
 * ANSWER_FAILED with a message in error. */
enum answer_result record_request_check(const struct output_record *record,
                                        char error[ANSWER_ERROR_BYTES]);

/* Sends a command, prints the table of its answer, and frees the table. */
enum answer_result table_request(const struct control_server *server, const char *command,
                                 struct output_table *table, char error[ANSWER_ERROR_BYTES]);

#endif
