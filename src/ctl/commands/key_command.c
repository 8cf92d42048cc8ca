#include "ctl/commands/key_command.h"

#include "admission/device_key.h"
#include "ctl/commands/command_result.h"
#include "ctl/output/json.h"
#include "ctl/output/output_error.h"
#include "os/file/names_key_file.h"
#include "os/log/error_message.h"
#include "text/hex.h"

#include <stdio.h>
#include <string.h>

static void print_key(const struct ctl_options *options, const struct names_key *key,
                      const struct device_name *name)
{
    uint8_t device_key[DEVICE_KEY_BYTES];
    char hex[2 * DEVICE_KEY_BYTES + 1];
    device_key_derive(key, name, device_key);
    hex_encode(hex, device_key, sizeof device_key);
    if (options->json) {
        printf("{\"name\":");
        json_bytes(stdout, name->bytes, name->size);
        printf(",\"key\":\"%s\"}\n", hex);
    } else {
        puts(hex);
    }
    explicit_bzero(device_key, sizeof device_key);
    explicit_bzero(hex, sizeof hex);
}

int command_key(const struct ctl_options *options)
{
    struct device_name name;
    struct names_key key;
    struct names_key_file_fault fault;
    const char *text = options->operands[0];
    if (options->key_file == NULL)
        return print_usage_error("'key' needs --key-file FILE");
    const char *wrong = text[0] == '@' ? "a key is for the name; leave the @ out"
                                       : device_name_set(&name, text, strlen(text));
    if (wrong != NULL)
        return command_result_bad_argument("name", text, wrong);
    if (names_key_file_read(&key, options->key_file, &fault) != 0) {
        char error[512];
        snprintf(error, sizeof error, "cannot read the key file %s: %s; %s", options->key_file,
                 fault.why, fault.next);
        return output_error(options->json, error);
    }
    print_key(options, &key, &name);
    explicit_bzero(&key, sizeof key);
    return STATUS_DONE;
}
