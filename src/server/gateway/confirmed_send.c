#include "server/gateway/confirmed_send.h"

#include "server/control/commands/broadcast_submission.h"

bool confirmed_send_is_possible(const struct client_name *name)
{
    return name->transport == TRANSPORT_UDP;
}

void confirmed_send_find(struct confirmed_send *send, struct worker_query_context *context,
                         void (*found)(struct send_batch *batch))
{
    send->batch = (struct send_batch){.context = context,
                                      .messages = &send->message,
                                      .count = 1,
                                      .finds_only = true,
                                      .done = found};
    send_batch_start(&send->batch);
}

uint64_t confirmed_send_submit(const struct confirmed_send *send, struct command_context *context,
                               const struct control_session *session, job_ended *ended, void *state,
                               const char **refusal)
{
    const struct send_message *message = &send->message;
    const struct client_selector all = client_selector_all();
    const struct job_confirmation confirmation = {.within_ms = send->within_ms,
                                                  .only = {.source = message->name.addr,
                                                           .listener = message->client.listener,
                                                           .which = message->only}};
    char client[TRANSPORT_TEXT_BYTES];
    const struct broadcast_submission submission = {.selector = &all,
                                                    .confirmation = &confirmation,
                                                    .client =
                                                        client_name_format(&message->name, client),
                                                    .bytes = message->bytes,
                                                    .size = message->size,
                                                    .ended = ended,
                                                    .state = state};
    return broadcast_submit(context, session, &submission, refusal);
}

bool confirmed_send_has_tried(const struct job_report *report)
{
    return report->sent + report->failed > 0;
}
