#include "completion/fish.h"

/* Tests whether the command line's command is the given one; without an argument, whether it has
 * no command yet. fish's own function for this takes the argument of -s for a command. */
static const char FIND_COMMAND[] = "function __PROGRAM_is\n"
                                   "    set -l words (commandline -opc)\n"
                                   "    set -l skip 0\n"
                                   "    for word in $words[2..-1]\n"
                                   "        if test $skip = 1\n"
                                   "            set skip 0\n"
                                   "            continue\n"
                                   "        end\n"
                                   "        switch $word\n";

static const char FIND_COMMAND_END[] = "                set skip 1\n"
                                       "            case '-*'\n"
                                       "            case '*'\n"
                                       "                test \"$argv\" = $word\n"
                                       "                return\n"
                                       "        end\n"
                                       "    end\n"
                                       "    test -z \"$argv\"\n"
                                       "end\n"
                                       "\n";

/* Offers a column of a table without its header: job numbers, which are aligned to the right,
 * client names or listeners; fish offers equal words once. With the clients, or with "@" instead of
 * a column only, it offers their names of the last column. A name with a backslash has another form
 * there than as an argument. */
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
    "    set -l rows (command $words[1] $place -t 1s $argv[1] 2>/dev/null)\n"
    "    if test $argv[2] != @\n"
    "        set -l before (math $argv[2] - 1)\n"
    "        string replace -rf '^ *(?:\\S+ +){'$before'}((?:(?:tcp:)?[0-9[]|unix:[#/])\\S*).*$' "
    "'$1' -- $rows\n"
    "    end\n"
    "    if contains $argv[1]$argv[2] clients1 clients@\n"
    "        string replace -rf '^[0-9[]\\S*(?: +\\S+){4} +(?!-$)([^\\\\\\\\]+)$' '@$1' -- $rows\n"
    "    end\n"
    "end\n"
    "\n";

/* Writes text in single quotes; within them fish only knows the escapes \\ and \'. */
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

static void write_action(FILE *out, const struct program_options *program, const char *argument)
{
    enum argument_kind kind = program_options_argument_kind(argument);
    switch (kind) {
    case ARGUMENT_CHOICE:
        fputs(" -x -a '", out);
        program_options_write_choice(out, argument);
        if (program_options_choice_has_names(argument))
            program_options_write(out, program, " (__PROGRAM_listed clients @)");
        putc('\'', out);
        break;
    case ARGUMENT_FILE:
        fputs(" -r -F", out);
        break;
    case ARGUMENT_HOST:
        fputs(" -x -a '(__fish_print_hostnames)'", out);
        break;
    case ARGUMENT_CLIENT:
    case ARGUMENT_LISTENER:
    case ARGUMENT_NAME:
    case ARGUMENT_JOB:
        program_options_write(out, program, " -x -a '(__PROGRAM_listed ");
        fprintf(out, "%s)'", program_options_list_command(kind));
        break;
    case ARGUMENT_OTHER:
        fputs(" -x", out);
        break;
    }
}

static void write_options(FILE *out, const struct program_options *program, uint32_t rows,
                          const struct option_command *command)
{
    const struct option_row *row;
    for (size_t i = 0; (row = program_options_next_row(program, rows, &i));) {
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

static void write_find_command(FILE *out, const struct program_options *program)
{
    const struct option_row *row;
    program_options_write(out, program, FIND_COMMAND);
    fputs("            case", out);
    for (size_t i = 0; (row = program_options_next_row(program, UINT32_MAX, &i));) {
        if (row->argument && row->short_name)
            fprintf(out, " -%c", row->short_name);
        if (row->argument)
            fprintf(out, " --%s", row->name);
    }
    putc('\n', out);
    fputs(FIND_COMMAND_END, out);
}

static void write_commands(FILE *out, const struct program_options *program)
{
    const struct option_command *command;
    for (size_t i = 0; (command = program->command(i)); i++) {
        fprintf(out, "complete -c %s -n __%s_is -a %s -d ", program->name, program->name,
                command->name);
        write_quoted(out, command->help);
        putc('\n', out);
        if (program_options_argument_kind(command->arguments) != ARGUMENT_OTHER) {
            fprintf(out, "complete -c %s -n '__%s_is %s'", program->name, program->name,
                    command->name);
            write_action(out, program, command->arguments);
            putc('\n', out);
        }
        write_options(out, program, command->rows, command);
    }
}

void fish_write(FILE *out, const struct program_options *program)
{
    program_options_write(out, program,
                          "# fish completion of PROGRAM, made from the program's own tables.\n\n");
    if (program->command) {
        write_find_command(out, program);
        program_options_write(out, program, LISTING);
    }
    program_options_write(out, program, "complete -c PROGRAM -f\n");
    write_options(out, program, program_options_common_rows(program), NULL);
    if (program->command) {
        write_commands(out, program);
    } else if (*program->operand) {
        fprintf(out, "complete -c %s", program->name);
        write_action(out, program, program->operand);
        putc('\n', out);
    }
}
