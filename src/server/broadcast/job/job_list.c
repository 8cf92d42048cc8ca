#include "server/broadcast/job/job_list.h"

void job_list_init(struct job_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

void job_list_append(struct job_list *list, struct broadcast_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

struct broadcast_job **job_list_find(struct job_list *list, uint64_t id)
{
    struct broadcast_job **link = &list->first;
    while (*link != NULL && (*link)->report.id != id)
        link = &(*link)->next;
    return link;
}

struct broadcast_job *job_list_take(struct job_list *list, struct broadcast_job **link)
{
    struct broadcast_job *job = *link;
    *link = job->next;
    if (*link == NULL)
        list->end = link;
    job->next = NULL;
    return job;
}
