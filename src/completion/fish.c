/* Completion for fish. */
#include "completion/fish.h"

/* Whether the command line's command is the one that is asked for; with none, whether it has none
 * yet. fish's own test for this takes the argument of -s for a command. */
static const char WALK[] = "function __PROGRAM_is\n"
                           "    set -l words (commandline -opc)\n"
                           "    set -l skip 0\n"
                           "    for word in $words[2..-1]\n"
                           "        if test $skip = 1\n"
                           "            set skip 0\n"
                           "            continue\n"
                           "        end\n"
                           "        switch $word\n";

static const char WALKED[] = "                set skip 1\n"
                             "            case '-*'\n"
                             "            case '*'\n"
                             "                test \"$argv\" = $word\n"
                             "                return\n"
                             "        end\n"
                             "    end\n"
                             "    test -z \"$argv\"\n"
                             "end\n"
                             "\n";

/* The first column of a table, below its header: numbers, which stand to the right, and the names
 * of clients of every kind. */
static const char LISTING[] =
    "function __PROGRAM_listed\n"
    "    set -l place\n"
    "    set -l words (commandline -opc)\n"
    "    for i in (seq (count $words))\n"
    "        switch $words[$i]\n"
    "            case -s --socket\n"
    "                set place -s $words[(math $i + 1)]\n"
    "            case '--socket=*'\n"
    "                set place -s (string replace -- --socket= '' $words[$i])\n"
    "        end\n"
    "    end\n"
    "    command $words[1] $place -t 1s $argv 2>/dev/null |\n"
    "        string replace -rf '^ *((?:tcp:|unix:#)?[0-9[]\\S*).*$' '$1'\n"
    "end\n"
    "\n";

/* A text in single quotes, in which fish knows \\ and \'. */
static void write_quoted(FILE *out, const char *text)
{
    putc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
    putc('\'', out);
}

static void write_action(FILE *out, const struct completion_program *program, const char *argument)
{
    enum completion_kind kind = completion_kind_of(argument);
    switch (kind) {
    case COMPLETION_WORDS:
        fputs(" -x -a '", out);
        completion_words(out, argument);
        putc('\'', out);
        break;
    case COMPLETION_FILE:
        fputs(" -r -F", out);
        break;
    case COMPLETION_HOST:
        fputs(" -x -a '(__fish_print_hostnames)'", out);
        break;
    case COMPLETION_CLIENT:
    case COMPLETION_JOB:
        completion_write(out, program, " -x -a '(__PROGRAM_listed ");
        fprintf(out, "%s)'", completion_lister(kind));
        break;
    case COMPLETION_NOTHING:
        fputs(" -x", out);
        break;
    }
}

static void write_options(FILE *out, const struct completion_program *program, uint32_t rows,
                          const struct option_command *command)
{
    const struct option_row *row;
    for (size_t i = 0; (row = completion_next_row(program, rows, &i));) {
        fprintf(out, "complete -c %s", program->name);
        if (command)
            fprintf(out, " -n '__%s_is %s'", program->name, command->name);
        if (row->short_name)
            fprintf(out, " -s %c", row->short_name);
        fprintf(out, " -l %s", row->name);
        if (row->argument)
            write_action(out, program, row->argument);
        fputs(" -d ", out);
        write_quoted(out, row->help);
        putc('\n', out);
    }
}

static void write_walk(FILE *out, const struct completion_program *program)
{
    const struct option_row *row;
    completion_write(out, program, WALK);
    fputs("            case", out);
    for (size_t i = 0; (row = completion_next_row(program, UINT32_MAX, &i));) {
        if (row->argument && row->short_name)
            fprintf(out, " -%c", row->short_name);
        if (row->argument)
            fprintf(out, " --%s", row->name);
    }
    putc('\n', out);
    fputs(WALKED, out);
}

static void write_commands(FILE *out, const struct completion_program *program)
{
    const struct option_command *command;
    for (size_t i = 0; (command = program->command(i)); i++) {
        fprintf(out, "complete -c %s -n __%s_is -a %s -d ", program->name, program->name,
                command->name);
        write_quoted(out, command->help);
        putc('\n', out);
        if (completion_kind_of(command->arguments) != COMPLETION_NOTHING) {
            fprintf(out, "complete -c %s -n '__%s_is %s'", program->name, program->name,
                    command->name);
            write_action(out, program, command->arguments);
            putc('\n', out);
        }
        write_options(out, program, command->rows, command);
    }
}

void fish_write(FILE *out, const struct completion_program *program)
{
    completion_write(out, program,
                     "# fish completion of PROGRAM, made from the program's own tables.\n\n");
    if (program->command) {
        write_walk(out, program);
        completion_write(out, program, LISTING);
    }
    completion_write(out, program, "complete -c PROGRAM -f\n");
    write_options(out, program, completion_common_rows(program), NULL);
    if (program->command) {
        write_commands(out, program);
    } else if (*program->operand) {
        fprintf(out, "complete -c %s", program->name);
        write_action(out, program, program->operand);
        putc('\n', out);
    }
}
