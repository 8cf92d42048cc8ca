/* Completion for zsh. */
#include "completion/zsh.h"

#include <string.h>

/* The first column of a table, below its header: numbers, which stand to the right, and the names
 * of clients of every kind. */
static const char LISTING[] =
    "_PROGRAM_listed()\n"
    "{\n"
    "    local row word\n"
    "    local -a place found\n"
    "    place=(${(kv)opt_args[(I)-s|--socket]})\n"
    "    for row in ${(f)\"$(_call_program $1 PROGRAM ${place:+-s ${place[2]}} -t 1s $1 "
    "2>/dev/null)\"}; do\n"
    "        word=${row[(w)1]}\n"
    "        [[ $word == [0-9\\[]* || $word == tcp:* || $word == unix:* ]] && found+=($word)\n"
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

/* The command is the first word that is no option and none's argument. */
static const char WALK[] = "    )\n"
                           "    for word in ${words[2,CURRENT-1]}; do\n"
                           "        if [[ -n $skip ]]; then\n"
                           "            skip=\n"
                           "            continue\n"
                           "        fi\n"
                           "        case $word in\n";

/* Text within a description of _arguments, itself within single quotes. */
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

static void write_action(FILE *out, const struct completion_program *program, const char *argument)
{
    enum completion_kind kind = completion_kind_of(argument);
    switch (kind) {
    case COMPLETION_WORDS:
        putc('(', out);
        completion_words(out, argument);
        putc(')', out);
        break;
    case COMPLETION_FILE:
        fputs("_files", out);
        break;
    case COMPLETION_HOST:
        fputs("_hosts", out);
        break;
    case COMPLETION_CLIENT:
    case COMPLETION_JOB:
        completion_write(out, program, "_PROGRAM_listed ");
        fputs(completion_lister(kind), out);
        break;
    case COMPLETION_NOTHING:
        putc(' ', out); /* something that isn't completed */
        break;
    }
}

/* '*'{-s+,--socket=}'[help]:PATH:_files': it may be given again. */
static void write_options(FILE *out, const struct completion_program *program, uint32_t rows,
                          const char *indent)
{
    const struct option_row *row;
    for (size_t i = 0; (row = completion_next_row(program, rows, &i));) {
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
            write_action(out, program, row->argument);
        }
        fputs("'\n", out);
    }
}

/* Finds the command, and adds its own options. */
static void write_walk(FILE *out, const struct completion_program *program)
{
    const struct option_command *command;
    const struct option_row *row;
    fputs(WALK, out);
    for (size_t i = 0; (row = completion_next_row(program, UINT32_MAX, &i));)
        if (row->argument) {
            fputs("        ", out);
            completion_pattern(out, row);
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

/* Its commands with what they do, and what stands behind each. */
static void write_commands(FILE *out, const struct completion_program *program)
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
    fputs("    )\n"
          "    _arguments -C -s -S $options '1: :->command' '2: :->operand' && return\n"
          "    case $state in\n"
          "    command) _describe -t commands command commands ;;\n"
          "    operand)\n"
          "        case $command in\n",
          out);
    for (size_t i = 0; (command = program->command(i)); i++)
        if (completion_kind_of(command->arguments) != COMPLETION_NOTHING) {
            fprintf(out, "        %s) ", command->name);
            write_action(out, program, command->arguments);
            fputs(" ;;\n", out);
        }
    fputs("        esac\n"
          "        ;;\n"
          "    esac\n",
          out);
}

void zsh_write(FILE *out, const struct completion_program *program)
{
    completion_write(out, program,
                     "#compdef PROGRAM\n"
                     "# zsh completion of PROGRAM, made from the program's own tables.\n"
                     "\n");
    if (program->command)
        completion_write(out, program, LISTING);
    completion_write(out, program, BEGINNING);
    write_options(out, program, completion_common_rows(program), "        ");
    if (program->command) {
        write_walk(out, program);
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
    completion_write(out, program, "}\n\n_PROGRAM \"$@\"\n");
}
