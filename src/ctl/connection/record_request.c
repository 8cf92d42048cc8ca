#include "ctl/connection/record_request.h"

#include "ctl/connection/blocking_request.h"

enum answer_result record_request(const struct control_server *server, const char *command,
                                  struct output_record *record, char error[ANSWER_ERROR_BYTES])
{
    enum answer_result result =
        blocking_request(server, command, output_record_add_line, record, error);
    return result == ANSWER_OK ? record_request_check(record, error) : result;
}

enum answer_result record_request_check(const struct output_record *record,
                                        char error[ANSWER_ERROR_BYTES])
{
    const char *missing = output_record_find_missing(record);
    if (!missing)
        return ANSWER_OK;
    snprintf(error, ANSWER_ERROR_BYTES,
             "cannot use the answer: it lacks '%s'; use the same version of udpctl and udpsrv",
             missing);
    return ANSWER_FAILED;
}

enum answer_result table_request(const struct control_server *server, const char *command,
                                 struct output_table *table, char error[ANSWER_ERROR_BYTES])
{
    enum answer_result result =
        blocking_request(server, command, output_table_add_line, table, error);
    if (result == ANSWER_OK)
        output_table_print(table);
    output_table_free(table);
    return result;
}
