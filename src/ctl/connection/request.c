/* Questions whose answer is a record or a table. */
#include "ctl/connection/request.h"

enum answer_result request_record(const struct answer_server *server, const char *command,
                                  struct output_record *record, char error[ANSWER_ERROR_BYTES])
{
    enum answer_result result = answer_ask(server, command, output_record_line, record, error);
    return result == ANSWER_OK ? request_complete(record, error) : result;
}

enum answer_result request_complete(const struct output_record *record,
                                    char error[ANSWER_ERROR_BYTES])
{
    const char *missing = output_record_missing(record);
    if (!missing)
        return ANSWER_OK;
    snprintf(error, ANSWER_ERROR_BYTES,
             "cannot use the answer: it lacks '%s'; let udpctl and udpsrv be of the same version",
             missing);
    return ANSWER_BROKEN;
}

enum answer_result request_table(const struct answer_server *server, const char *command,
                                 struct output_table *table, char error[ANSWER_ERROR_BYTES])
{
    enum answer_result result = answer_ask(server, command, output_table_line, table, error);
    if (result == ANSWER_OK)
        output_table_finish(table);
    output_table_free(table);
    return result;
}
