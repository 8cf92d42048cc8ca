/* Writes the shell completion of a program, for bash, zsh or fish, from the option tables of the
 * program itself. The Makefile runs it; it is not installed. */
#include "client/options.h"
#include "completion/bash.h"
#include "completion/fish.h"
#include "completion/zsh.h"
#include "ctl/commands/command_dispatch.h"
#include "ctl/options.h"
#include "load/options.h"
#include "server/options.h"

#include <string.h>

static const struct {
    const char *name;
    void (*write)(FILE *out, const struct program_options *program);
} shells[] = {{"bash", bash_write}, {"zsh", zsh_write}, {"fish", fish_write}};

static const struct {
    const struct option_row *(*rows)(size_t *count);
    struct program_options program;
} programs[] = {
    {server_options_rows, {.name = "udpsrv", .operand = ""}},
    {ctl_options_rows, {.name = "udpctl", .operand = "", .command = command_dispatch_get}},
    {client_options_rows, {.name = "udpcli", .operand = "HOST[:PORT]"}},
    {load_options_rows, {.name = "udpload", .operand = "HOST[:PORT]"}},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof shells / sizeof *shells; i++) {
        for (size_t k = 0; k < sizeof programs / sizeof *programs; k++) {
            if (strcmp(argv[1], shells[i].name) != 0 ||
                strcmp(argv[2], programs[k].program.name) != 0)
                continue;
            struct program_options program = programs[k].program;
            program.rows = programs[k].rows(&program.row_count);
            shells[i].write(stdout, &program);
            return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
        }
    }
    fputs("usage: completion bash|zsh|fish PROGRAM\n", stderr);
    return 2;
}
