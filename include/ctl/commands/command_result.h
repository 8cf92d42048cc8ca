#ifndef CTL_COMMANDS_COMMAND_RESULT_H
#define CTL_COMMANDS_COMMAND_RESULT_H

#include "ctl/connection/answer_parser.h"
#include "ctl/options.h"
#include "ctl/output/output_record.h"
#include "ctl/output/output_table.h"

/* What the commands of udpctl have in common: sending the request, printing the answer or the
 * error, and the exit status. All functions return the exit status. */

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_NO_SERVER = 3 };

/* Reports the error of an answer, if there is one. */
int command_result_report(const struct ctl_options *options, enum answer_result result,
                          const char *error);

/* Sends a command and prints the record of its answer. */
int command_result_show_record(const struct ctl_options *options, const char *command,
                               struct output_record *record);
int command_result_show_fields(const struct ctl_options *options, const char *command,
                               const struct output_field *fields, size_t count);

/* Sends a command and prints the table of its answer. */
int command_result_show_table(const struct ctl_options *options, const char *command,
                              struct output_table *table);

/* Prints the usage error of an argument. Returns EXIT_USAGE. */
int command_result_bad_argument(const char *what, const char *value, const char *why);

#endif
