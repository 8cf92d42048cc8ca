/* Completion for bash. */
#include "completion/bash.h"

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

/* The first column of a table, below its header: numbers, and the names of clients of every kind.
 * They are compared here and not by compgen, which expands what it is given as the shell does. */
static const char LISTING[] =
    "_PROGRAM_listed()\n"
    "{\n"
    "    local word\n"
    "    while read -r word _; do\n"
    "        [[ $word == \"$current\"* && $word == @(|tcp:|unix:#)[0-9[]* &&\n"
    "            $word != *[!][0-9A-Za-z.:%#]* ]] && COMPREPLY+=(\"$word\")\n"
    "    done < <(\"$program\" ${socket:+-s \"$socket\"} -t 1s \"$1\" 2>/dev/null)\n"
    "}\n"
    "\n";

/* bash cuts words at = and :, too, which --name=value and addresses have (COMP_WORDBREAKS). */
static const char JOINING[] =
    "_PROGRAM()\n"
    "{\n"
    "    local IFS=$' \\t\\n' program=$1 line=${COMP_LINE:0:COMP_POINT} words=() count=0 word gap "
    "i\n"
    "    # What was cut at = and : is one word again; the last one ends at the cursor.\n"
    "    for ((i = 0; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        gap=${line%%[![:blank:]]*}\n"
    "        line=${line#\"$gap\"}\n"
    "        ((i == COMP_CWORD)) && word=$line\n"
    "        line=${line#\"$word\"}\n"
    "        if ((i > 1)) && [[ -z $gap && ($word == [=:]* || ${words[count - 1]} == *[=:]) ]]; "
    "then\n"
    "            words[count - 1]+=$word\n"
    "        else\n"
    "            words[count++]=$word\n"
    "        fi\n"
    "    done\n"
    "    # bash replaces the last piece only: what it cut off before that stays on the line.\n"
    "    [[ $word == [=:]* ]] && word=\n"
    "    local current=${words[count - 1]} command= operands=0 takes= ended= socket= lead=\n"
    "    local cut=${current%\"$word\"}\n"
    "    # Quotes that were typed are no part of a word.\n"
    "    current=${current//[\\\"\\'\\\\]/} cut=${cut//[\\\"\\'\\\\]/}\n"
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
                             "    COMPREPLY=(\"${COMPREPLY[@]#\"$cut\"}\")\n"
                             "}\n"
                             "\n"
                             "complete -F _PROGRAM PROGRAM\n";

static void write_action(FILE *out, const struct completion_program *program, const char *argument)
{
    enum completion_kind kind = completion_kind_of(argument);
    switch (kind) {
    case COMPLETION_WORDS:
        completion_write(out, program, "_PROGRAM_words '");
        completion_words(out, argument);
        putc('\'', out);
        break;
    case COMPLETION_FILE:
        completion_write(out, program, "_PROGRAM_files");
        break;
    case COMPLETION_HOST:
        completion_write(out, program, "_PROGRAM_hosts");
        break;
    case COMPLETION_CLIENT:
    case COMPLETION_JOB:
        completion_write(out, program, "_PROGRAM_listed ");
        fputs(completion_lister(kind), out);
        break;
    case COMPLETION_NOTHING:
        putc(':', out);
        break;
    }
    fputs(" ;;\n", out);
}

/* The options that take an argument, and, when one is to be completed, what it can be. */
static void write_takers(FILE *out, const struct completion_program *program)
{
    const struct option_row *row;
    for (size_t i = 0; (row = completion_next_row(program, UINT32_MAX, &i));)
        if (row->argument) {
            fputs("        ", out);
            completion_pattern(out, row);
            fputs(") takes=$word ;;\n", out);
        }
    fputs(COUNTING, out);
    for (size_t i = 0; (row = completion_next_row(program, UINT32_MAX, &i));)
        if (row->argument && completion_kind_of(row->argument) != COMPLETION_NOTHING) {
            fputs("    ", out);
            completion_pattern(out, row);
            fputs(") ", out);
            write_action(out, program, row->argument);
        }
    fputs("    esac\n", out);
}

static void write_names(FILE *out, const struct completion_program *program, uint32_t rows)
{
    const struct option_row *row;
    for (size_t i = 0; (row = completion_next_row(program, rows, &i));)
        fprintf(out, " --%s", row->name);
    fputs("'", out);
}

static void write_options(FILE *out, const struct completion_program *program)
{
    const struct option_command *command;
    fputs("    if [[ -z $takes$ended && $current == -* ]]; then\n"
          "        local options='",
          out);
    write_names(out, program, completion_common_rows(program));
    fputs("\n        case $command in\n", out);
    for (size_t i = 0; program->command && (command = program->command(i)); i++)
        if (command->rows) {
            fprintf(out, "        %s) options+='", command->name);
            write_names(out, program, command->rows);
            fputs(" ;;\n", out);
        }
    fputs("        esac\n", out);
    completion_write(out, program, "        _PROGRAM_words \"$options\"\n");
}

/* The operands: the program's own, or the command and what stands behind it. */
static void write_operands(FILE *out, const struct completion_program *program)
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
    completion_write(out, program, "_PROGRAM_words '");
    for (size_t i = 0; (command = program->command(i)); i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", command->name);
    fputs("' ;;\n", out);
    for (size_t i = 0; (command = program->command(i)); i++)
        if (completion_kind_of(command->arguments) != COMPLETION_NOTHING) {
            fprintf(out, "        1:%s) ", command->name);
            write_action(out, program, command->arguments);
        }
}

void bash_write(FILE *out, const struct completion_program *program)
{
    completion_write(out, program, ACTIONS);
    if (program->command)
        completion_write(out, program, LISTING);
    completion_write(out, program, JOINING);
    write_takers(out, program);
    write_options(out, program);
    write_operands(out, program);
    completion_write(out, program, ENDING);
}
