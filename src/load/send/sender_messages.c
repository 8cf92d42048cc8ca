#include "load/send/sender_messages.h"

/* ---- In the main thread ---- */

static void handle_report(struct mailbox_message *message)
{
    const struct sender_report *report = (struct sender_report *)message;
    report->callbacks->report(report->callbacks->state, report);
}

static void handle_error(struct mailbox_message *message)
{
    const struct sender_error *error = (struct sender_error *)message;
    error->callbacks->error(error->callbacks->state, error);
}

static void handle_copies(struct mailbox_message *message)
{
    const struct sender_copies *copies = (struct sender_copies *)message;
    copies->callbacks->copies(copies->callbacks->state, copies);
}

static void handle_registered(struct mailbox_message *message)
{
    const struct sender_registered *registered = (struct sender_registered *)message;
    registered->callbacks->registered(registered->callbacks->state);
}

/* ---- In the sender thread ---- */

void sender_messages_init(struct sender_messages *messages, struct mailbox *mailbox,
                          const struct sender_callbacks *callbacks, uint32_t number)
{
    const struct sender_callbacks *own = &messages->callbacks;
    messages->mailbox = mailbox;
    messages->callbacks = *callbacks;
    messages->next_report = 0;
    for (int i = 0; i < 2; i++)
        messages->reports[i] = (struct sender_report){
            .mailbox_message.handle = handle_report, .callbacks = own, .sender = number};
    messages->no_reply = messages->failure =
        (struct sender_error){.mailbox_message.handle = handle_error, .callbacks = own};
    messages->copies =
        (struct sender_copies){.mailbox_message.handle = handle_copies, .callbacks = own};
    messages->registered =
        (struct sender_registered){.mailbox_message.handle = handle_registered, .callbacks = own};
}

void sender_messages_report(struct sender_messages *messages, const struct load_counts *counts,
                            const struct histogram *corrected, bool last)
{
    struct sender_report *report = &messages->reports[messages->next_report];
    report->counts = *counts;
    report->corrected = *corrected;
    report->last = last;
    messages->next_report = 1 - messages->next_report;
    mailbox_post(messages->mailbox, &report->mailbox_message);
}

void sender_messages_error(struct sender_messages *messages, int error)
{
    struct sender_error *message = error ? &messages->failure : &messages->no_reply;
    if (message->sent)
        return;
    message->error = error;
    message->sent = true;
    mailbox_post(messages->mailbox, &message->mailbox_message);
}

void sender_messages_copies(struct sender_messages *messages, struct copy_counts *copies,
                            struct confirming_clients *confirming)
{
    copy_counts_take_tally(copies, &messages->copies.tally);
    if (confirming != NULL)
        confirming_clients_take_tally(confirming, &messages->copies.confirming);
    mailbox_post(messages->mailbox, &messages->copies.mailbox_message);
}

void sender_messages_registered(struct sender_messages *messages)
{
    mailbox_post(messages->mailbox, &messages->registered.mailbox_message);
}
