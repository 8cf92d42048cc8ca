/* For the target `control`: what stands for the queue of broadcasts with a key. */
#include "server/publish/publish_queue.h"
#include "target.h"

#include <errno.h>

/* The last digit of the milliseconds decides what becomes of an entry. */
int publish_queue_submit(struct publish_queue *queue, const struct publish_request *request)
{
    uint64_t digit = request->key.id.ms % 10;
    (void)queue;
    must(request->key.stream.size > 0 && !entry_id_is_none(&request->key.id));
    if (digit == 0)
        return -ENOMEM;
    struct publish_decision decision = {.outcome = PUBLISH_DUPLICATE};
    if (digit < 4)
        decision = (struct publish_decision){
            .outcome = PUBLISH_REFUSED, .refusal = "no", .is_passing = digit == 1};
    int64_t id = digit < 7 ? 0 : jobs_submit(NULL, request->job);
    if (id < 0)
        return (int)id;
    if (id > 0)
        decision = (struct publish_decision){.outcome = PUBLISH_QUEUED, .job = (uint64_t)id};
    request->decided(request->state, &decision);
    return 0;
}

const struct publish_streams *publish_queue_streams(const struct publish_queue *queue)
{
    static struct publish_streams streams;
    (void)queue;
    streams.count = 0;
    publish_streams_add(&streams, &(struct device_name){.size = 3, .bytes = "a b"});
    return &streams;
}

bool publish_queue_is_kept(const struct publish_queue *queue)
{
    (void)queue;
    return true;
}
