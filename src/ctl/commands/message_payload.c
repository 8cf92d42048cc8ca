#include "ctl/commands/message_payload.h"

#include "config/config.h"
#include "ctl/output/output_error.h"
#include "os/log/error_message.h"
#include "text/hex.h"
#include "wire/frame.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTINUE = -1 };

size_t message_payload_max(const struct ctl_options *options)
{
    return options->given & CTL_CONFIRM ? CONFIG_MESSAGE_BYTES_MAX - FRAME_MESSAGE_HEAD_BYTES
                                        : CONFIG_MESSAGE_BYTES_MAX;
}

void message_payload_too_long(char error[MESSAGE_PAYLOAD_ERROR_BYTES],
                              const struct ctl_options *options, const char *verb)
{
    snprintf(error, MESSAGE_PAYLOAD_ERROR_BYTES,
             "cannot %s: the payload is longer than %zu bytes, the maximum of %s; send it in parts",
             verb, message_payload_max(options),
             options->given & CTL_CONFIRM ? "a UDP datagram that is to be confirmed"
                                          : "a UDP datagram");
}

static int decode(struct message_payload *payload, const struct ctl_options *options,
                  const char *verb)
{
    size_t length = strlen(options->hex);
    char error[MESSAGE_PAYLOAD_ERROR_BYTES];
    payload->memory = malloc(length / 2 + 1);
    if (payload->memory == NULL) {
        snprintf(error, sizeof error, "cannot %s: not enough memory; free some", verb);
        return output_error(options->json, error);
    }
    if (!hex_decode(payload->memory, options->hex, length))
        return print_usage_error("bad --hex: it must be an even number of hexadecimal digits");
    payload->bytes = payload->memory;
    payload->size = length / 2;
    return CONTINUE;
}

int message_payload_read(struct message_payload *payload, const struct ctl_options *options,
                         const char *verb, const char *text)
{
    char error[MESSAGE_PAYLOAD_ERROR_BYTES];
    int status = CONTINUE;
    *payload = (struct message_payload){.bytes = text, .size = text != NULL ? strlen(text) : 0};
    if (text == NULL)
        status = decode(payload, options, verb);
    if (status == CONTINUE && payload->size > message_payload_max(options)) {
        message_payload_too_long(error, options, verb);
        status = output_error(options->json, error);
    }
    if (status != CONTINUE)
        message_payload_free(payload);
    return status;
}

void message_payload_free(struct message_payload *payload)
{
    free(payload->memory);
    payload->memory = NULL;
}

char *message_payload_format(const char *prefix, const void *bytes, size_t size)
{
    char *hex = malloc(2 * size + 1), *command = NULL;
    if (hex == NULL)
        return NULL;
    hex_encode(hex, bytes, size);
    if (asprintf(&command, "%s %s", prefix, size == 0 ? "-" : hex) < 0)
        command = NULL;
    free(hex);
    return command;
}
