#include "load/report/load_result.h"

#include <stdlib.h>

void load_result_free(struct load_result *result)
{
    for (size_t i = 0; i < result->reply_count; i++)
        free(result->replies[i].message);
    free(result->replies);
    free(result->intervals);
    free(result->command);
    free(result->target);
    free(result->host);
    result->replies = NULL;
    result->reply_count = 0;
    result->intervals = NULL;
    result->interval_count = 0;
    result->command = result->target = result->host = NULL;
}
