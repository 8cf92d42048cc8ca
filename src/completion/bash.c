#include "completion/bash.h"

#include <string.h>

static const char ACTIONS[] = "# bash completion of PROGRAM, made from the program's own tables.\n"
                              "\n"
                              "_PROGRAM_words()\n"
                              "{\n"
                              "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\")\n"
                              "}\n"
                              "\n"
                              "_PROGRAM_files()\n"
                              "{\n"
                              "    compopt -o filenames 2>/dev/null\n"
                              "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                              "}\n"
                              "\n"
                              "_PROGRAM_hosts()\n"
                              "{\n"
                              "    mapfile -t COMPREPLY < <(compgen -A hostname -- \"$current\")\n"
                              "}\n"
                              "\n";

/* Offers a column of a table without its header, each word once: job numbers, client names or
 * listeners. With the clients, or with "@" instead of a column only, it offers their names of the
 * last column; a name that has other characters than these would have to be quoted. The script
 * compares the words itself, because compgen would expand them like a shell. */
static const char LISTING[] =
    "_PROGRAM_listed()\n"
    "{\n"
    "    local word name row\n"
    "    local -A found=()\n"
    "    while read -r -a row; do\n"
    "        [[ ${row[0]} == @(|tcp:|unix:#)[0-9[]* ]] || continue\n"
    "        name=${row[*]:5}\n"
    "        [[ $1$2 == clients[1@] && @$name == \"$current\"* &&\n"
    "            $name == [0-9A-Za-z]* && $name != *[!0-9A-Za-z._+%/-]* ]] &&\n"
    "            COMPREPLY+=(\"@$name\")\n"
    "        [[ $2 != @ ]] || continue\n"
    "        word=${row[$2 - 1]}\n"
    "        [[ $word == \"$current\"* && $word != *[!][0-9A-Za-z.:%#/_-]* ]] || continue\n"
    "        [[ ! ${found[$word]} ]] || continue\n"
    "        found[$word]=1\n"
    "        COMPREPLY+=(\"$word\")\n"
    "    done < <(\"$program\" ${socket:+-s \"$socket\"} -t 1s \"$1\" 2>/dev/null)\n"
    "}\n"
    "\n";

/* bash also splits words at =, : and @ (COMP_WORDBREAKS), which --name=value, addresses and names
 * contain. */
static const char JOINING[] =
    "_PROGRAM()\n"
    "{\n"
    "    local IFS=$' \\t\\n' program=$1 line=${COMP_LINE:0:COMP_POINT} words=() count=0 word gap "
    "i\n"
    "    # Join the words that bash split at =, : and @; the last one ends at the cursor.\n"
    "    for ((i = 0; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        gap=${line%%[![:blank:]]*}\n"
    "        line=${line#\"$gap\"}\n"
    "        ((i == COMP_CWORD)) && word=$line\n"
    "        line=${line#\"$word\"}\n"
    "        if ((i > 1)) && [[ -z $gap && ($word == [=:@]* || ${words[count - 1]} == *[=:@]) ]]; "
    "then\n"
    "            words[count - 1]+=$word\n"
    "        else\n"
    "            words[count++]=$word\n"
    "        fi\n"
    "    done\n"
    "    # bash replaces only the last piece: the pieces before it stay on the line.\n"
    "    [[ $word == [=:]* ]] && word=\n"
    "    local current=${words[count - 1]} command= operands=0 takes= ended= socket= lead=\n"
    "    local before=${current%\"$word\"}\n"
    "    before=${before%@} # bash replaces an @ before the last piece, too.\n"
    "    # Remove the quotes that were typed.\n"
    "    current=${current//[\\\"\\'\\\\]/} before=${before//[\\\"\\'\\\\]/}\n"
    "    for word in \"${words[@]:1:count - 2}\"; do\n"
    "        if [[ $takes ]]; then\n"
    "            [[ $takes == -s || $takes == --socket ]] && socket=$word\n"
    "            takes=\n"
    "            continue\n"
    "        fi\n"
    "        case $ended$word in\n"
    "        --) ended=1 ;;\n"
    "        --socket=*) socket=${word#*=} ;;\n";

static const char COUNTING[] = "        -?*) ;;\n"
                               "        *)\n"
                               "            command=${command:-$word}\n"
                               "            ((operands += 1))\n"
                               "            ;;\n"
                               "        esac\n"
                               "    done\n"
                               "    socket=${socket//[\\\"\\'\\\\]/}\n"
                               "    socket=${socket/#~\\//\"$HOME/\"}\n"
                               "    if [[ -z $takes$ended && $current == --*=* ]]; then\n"
                               "        takes=${current%%=*}\n"
                               "        lead=$takes=\n"
                               "        current=${current#*=}\n"
                               "    fi\n"
                               "    case $takes in\n"
                               "    '') ;;\n";

static const char ENDING[] = "        esac\n"
                             "    fi\n"
                             "    COMPREPLY=(\"${COMPREPLY[@]/#/\"$lead\"}\")\n"
                             "    COMPREPLY=(\"${COMPREPLY[@]#\"$before\"}\")\n"
                             "}\n"
                             "\n"
                             "complete -F _PROGRAM PROGRAM\n";

static void write_action(FILE *out, const struct program_options *program, const char *argument)
{
    enum argument_kind kind = program_options_argument_kind(argument);
    switch (kind) {
    case ARGUMENT_CHOICE:
        program_options_write(out, program, "_PROGRAM_words '");
        program_options_write_choice(out, argument);
        putc('\'', out);
        if (program_options_choice_has_names(argument))
            program_options_write(out, program,
                                  "; [[ $current == @* ]] && _PROGRAM_listed clients @");
        break;
    case ARGUMENT_FILE:
        program_options_write(out, program, "_PROGRAM_files");
        break;
    case ARGUMENT_HOST:
        program_options_write(out, program, "_PROGRAM_hosts");
        break;
    case ARGUMENT_CLIENT:
    case ARGUMENT_LISTENER:
    case ARGUMENT_NAME:
    case ARGUMENT_JOB:
        program_options_write(out, program, "_PROGRAM_listed ");
        fputs(program_options_list_command(kind), out);
        break;
    case ARGUMENT_OTHER:
        putc(':', out);
        break;
    }
    fputs(" ;;\n", out);
}

/* Writes the options that take an argument, and how the argument is completed. */
static void write_options_with_argument(FILE *out, const struct program_options *program)
{
    const struct option_row *row;
    for (size_t i = 0; (row = program_options_next_row(program, UINT32_MAX, &i));)
        if (row->argument) {
            fputs("        ", out);
            program_options_write_pattern(out, row);
            fputs(") takes=$word ;;\n", out);
        }
    fputs(COUNTING, out);
    for (size_t i = 0; (row = program_options_next_row(program, UINT32_MAX, &i));)
        if (row->argument && program_options_argument_kind(row->argument) != ARGUMENT_OTHER) {
            fputs("    ", out);
            program_options_write_pattern(out, row);
            fputs(") ", out);
            write_action(out, program, row->argument);
        }
    fputs("    esac\n", out);
}

static void write_option_names(FILE *out, const struct program_options *program, uint32_t rows)
{
    const struct option_row *row;
    for (size_t i = 0; (row = program_options_next_row(program, rows, &i));)
        fprintf(out, " --%s", row->name);
    fputs("'", out);
}

static void write_options(FILE *out, const struct program_options *program)
{
    const struct option_command *command;
    fputs("    if [[ -z $takes$ended && $current == -* ]]; then\n"
          "        local options='",
          out);
    write_option_names(out, program, program_options_common_rows(program));
    fputs("\n        case $command in\n", out);
    for (size_t i = 0; program->command && (command = program->command(i)); i++)
        if (command->rows) {
            fprintf(out, "        %s) options+='", command->name);
            write_option_names(out, program, command->rows);
            fputs(" ;;\n", out);
        }
    fputs("        esac\n", out);
    program_options_write(out, program, "        _PROGRAM_words \"$options\"\n");
}

/* Writes the completion of the operands: the program's own, or a command and its argument. */
static void write_operands(FILE *out, const struct program_options *program)
{
    const struct option_command *command;
    fputs("    elif [[ -z $takes ]]; then\n"
          "        case $operands:$command in\n"
          "        0:) ",
          out);
    if (!program->command) {
        write_action(out, program, program->operand);
        return;
    }
    program_options_write(out, program, "_PROGRAM_words '");
    for (size_t i = 0; (command = program->command(i)); i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", command->name);
    fputs("' ;;\n", out);
    for (size_t i = 0; (command = program->command(i)); i++)
        if (program_options_argument_kind(command->arguments) != ARGUMENT_OTHER) {
            /* Every operand of a command that takes words of a choice is one of them. */
            const char *which = strchr(command->arguments, '|') != NULL ? "[1-9]*" : "1";
            fprintf(out, "        %s:%s) ", which, command->name);
            write_action(out, program, command->arguments);
        }
}

void bash_write(FILE *out, const struct program_options *program)
{
    program_options_write(out, program, ACTIONS);
    if (program->command)
        program_options_write(out, program, LISTING);
    program_options_write(out, program, JOINING);
    write_options_with_argument(out, program);
    write_options(out, program);
    write_operands(out, program);
    program_options_write(out, program, ENDING);
}
