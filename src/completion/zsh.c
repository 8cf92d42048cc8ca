#include "completion/zsh.h"

#include <string.h>

/* Offers a column of a table without its header, each word once: job numbers, which are aligned to
 * the right, client names or listeners. With the clients, or with "@" instead of a column only, it
 * offers their names of the last column. A name with a backslash has another form there than as an
 * argument. */
static const char LISTING[] =
    "_PROGRAM_listed()\n"
    "{\n"
    "    local row word\n"
    "    local -a place\n"
    "    local -aU found\n"
    "    place=(${(kv)opt_args[(I)-s|--socket]})\n"
    "    for row in ${(f)\"$(_call_program $1 PROGRAM ${place:+-s ${place[2]}} -t 1s $1 "
    "2>/dev/null)\"}; do\n"
    "        word=${row[(w)1]}\n"
    "        [[ $word == [0-9\\[]* || $word == tcp:* || $word == unix:* ]] || continue\n"
    "        [[ $2 == @ ]] || found+=(${row[(w)$2]})\n"
    "        [[ $1$2 == clients[1@] && -n ${row[(w)6]} && ${row[(w)6,-1]} != - && "
    "$row != *'\\'* ]] &&\n"
    "            found+=(\"@${row[(w)6,-1]}\")\n"
    "    done\n"
    "    compadd -a found\n"
    "}\n"
    "\n";

static const char BEGINNING[] = "_PROGRAM()\n"
                                "{\n"
                                "    local curcontext=$curcontext state word skip command\n"
                                "    typeset -A opt_args\n"
                                "    local -a options line\n"
                                "    options=(\n";

/* The command is the first word that is neither an option nor an argument of one. */
static const char FIND_COMMAND[] = "    )\n"
                                   "    for word in ${words[2,CURRENT-1]}; do\n"
                                   "        if [[ -n $skip ]]; then\n"
                                   "            skip=\n"
                                   "            continue\n"
                                   "        fi\n"
                                   "        case $word in\n";

/* Writes text escaped for a description of _arguments, within single quotes. */
static void write_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", out);
        else if (strchr(":[]\\", *text))
            putc('\\', out);
        putc(*text, out);
    }
}

static void write_action(FILE *out, const struct program_options *program, const char *argument)
{
    enum argument_kind kind = program_options_argument_kind(argument);
    switch (kind) {
    case ARGUMENT_CHOICE:
        putc('(', out);
        program_options_write_choice(out, argument);
        putc(')', out);
        break;
    case ARGUMENT_FILE:
        fputs("_files", out);
        break;
    case ARGUMENT_HOST:
        fputs("_hosts", out);
        break;
    case ARGUMENT_CLIENT:
    case ARGUMENT_LISTENER:
    case ARGUMENT_NAME:
    case ARGUMENT_JOB:
        program_options_write(out, program, "_PROGRAM_listed ");
        fputs(program_options_list_command(kind), out);
        break;
    case ARGUMENT_OTHER:
        putc(' ', out); /* required, although nothing is completed */
        break;
    }
}

/* Writes the completion of an operand that is a word of a choice. */
static void write_choice(FILE *out, const struct program_options *program, const char *choice)
{
    fputs("compadd ", out);
    program_options_write_choice(out, choice);
    if (program_options_choice_has_names(choice))
        program_options_write(out, program, "; [[ $PREFIX == @* ]] && _PROGRAM_listed clients @");
}

/* Writes '*'{-s+,--socket=}'[help]:PATH:_files'; the * allows the option several times. */
static void write_options(FILE *out, const struct program_options *program, uint32_t rows,
                          const char *indent)
{
    const struct option_row *row;
    for (size_t i = 0; (row = program_options_next_row(program, rows, &i));) {
        const char *glued = row->argument ? "+" : "", *equals = row->argument ? "=" : "";
        fputs(indent, out);
        if (row->short_name)
            fprintf(out, "'*'{-%c%s,--%s%s}'[", row->short_name, glued, row->name, equals);
        else
            fprintf(out, "'*--%s%s[", row->name, equals);
        write_text(out, row->help);
        putc(']', out);
        if (row->argument) {
            putc(':', out);
            write_text(out, row->argument);
            putc(':', out);
            /* Without a blank before it, _arguments would pass options of compadd to it. */
            if (program_options_list_command(program_options_argument_kind(row->argument)))
                putc(' ', out);
            write_action(out, program, row->argument);
        }
        fputs("'\n", out);
    }
}

/* Writes the search for the command, which adds the command's own options. */
static void write_find_command(FILE *out, const struct program_options *program)
{
    const struct option_command *command;
    const struct option_row *row;
    fputs(FIND_COMMAND, out);
    for (size_t i = 0; (row = program_options_next_row(program, UINT32_MAX, &i));)
        if (row->argument) {
            fputs("        ", out);
            program_options_write_pattern(out, row);
            fputs(") skip=1 ;;\n", out);
        }
    fputs("        -*) ;;\n"
          "        *) command=${command:-$word} ;;\n"
          "        esac\n"
          "    done\n"
          "    case $command in\n",
          out);
    for (size_t i = 0; (command = program->command(i)); i++)
        if (command->rows) {
            fprintf(out, "    %s)\n        options+=(\n", command->name);
            write_options(out, program, command->rows, "            ");
            fputs("        )\n        ;;\n", out);
        }
    fputs("    esac\n", out);
}

/* Writes the commands with their help, and the completion of their arguments. */
static void write_commands(FILE *out, const struct program_options *program)
{
    const struct option_command *command;
    fputs("    local -a commands\n"
          "    commands=(\n",
          out);
    for (size_t i = 0; (command = program->command(i)); i++) {
        fprintf(out, "        '%s:", command->name);
        write_text(out, command->help);
        fputs("'\n", out);
    }
    /* Every operand of a command that takes words of a choice is one of them. */
    fputs(
        "    )\n"
        "    _arguments -C -s -S $options '1: :->command' '2: :->operand' '*: :->more' && return\n"
        "    case $state:$command in\n"
        "    command:*) _describe -t commands command commands ;;\n",
        out);
    for (size_t i = 0; (command = program->command(i)); i++) {
        enum argument_kind kind = program_options_argument_kind(command->arguments);
        if (kind == ARGUMENT_OTHER)
            continue;
        fprintf(out, "    %s:%s) ", kind == ARGUMENT_CHOICE ? "(operand|more)" : "operand",
                command->name);
        if (kind == ARGUMENT_CHOICE)
            write_choice(out, program, command->arguments);
        else
            write_action(out, program, command->arguments);
        fputs(" ;;\n", out);
    }
    fputs("    esac\n", out);
}

void zsh_write(FILE *out, const struct program_options *program)
{
    program_options_write(out, program,
                          "#compdef PROGRAM\n"
                          "# zsh completion of PROGRAM, made from the program's own tables.\n"
                          "\n");
    if (program->command)
        program_options_write(out, program, LISTING);
    program_options_write(out, program, BEGINNING);
    write_options(out, program, program_options_common_rows(program), "        ");
    if (program->command) {
        write_find_command(out, program);
        write_commands(out, program);
    } else {
        fputs("    )\n"
              "    _arguments -s -S $options",
              out);
        if (*program->operand) {
            fputs(" '1:", out);
            write_text(out, program->operand);
            putc(':', out);
            write_action(out, program, program->operand);
            putc('\'', out);
        }
        putc('\n', out);
    }
    program_options_write(out, program, "}\n\n_PROGRAM \"$@\"\n");
}
