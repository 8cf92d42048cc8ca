#include "completion/program_options.h"

#include <string.h>

#define NAME "[@NAME]"

enum argument_kind program_options_argument_kind(const char *argument)
{
    static const struct {
        const char *name;
        enum argument_kind kind;
    } kinds[] = {
        {"FILE", ARGUMENT_FILE},         {"PATH", ARGUMENT_FILE}, {"HOST[:PORT]", ARGUMENT_HOST},
        {"ADDRESS", ARGUMENT_CLIENT},    {"ID", ARGUMENT_JOB},    {"ADDRESS TEXT", ARGUMENT_CLIENT},
        {"LISTENER", ARGUMENT_LISTENER}, {NAME, ARGUMENT_NAME},
    };
    if (strchr(argument, '|'))
        return ARGUMENT_CHOICE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, argument) == 0)
            return kinds[i].kind;
    return ARGUMENT_OTHER;
}

const char *program_options_list_command(enum argument_kind kind)
{
    switch (kind) {
    case ARGUMENT_CLIENT:
        return "clients 1";
    case ARGUMENT_LISTENER:
        return "clients 2";
    case ARGUMENT_NAME:
        return "clients @";
    case ARGUMENT_JOB:
        return "jobs 1";
    case ARGUMENT_OTHER:
    case ARGUMENT_CHOICE:
    case ARGUMENT_FILE:
    case ARGUMENT_HOST:
        break;
    }
    return NULL;
}

uint32_t program_options_common_rows(const struct program_options *program)
{
    uint32_t rows = UINT32_MAX;
    for (size_t i = 0; program->command && program->command(i); i++)
        rows &= ~program->command(i)->rows;
    return rows;
}

const struct option_row *program_options_next_row(const struct program_options *program,
                                                  uint32_t rows, size_t *i)
{
    while (*i < program->row_count && !(rows & UINT32_C(1) << *i))
        ++*i;
    return *i < program->row_count ? &program->rows[(*i)++] : NULL;
}

void program_options_write(FILE *out, const struct program_options *program, const char *text)
{
    static const char mark[] = "PROGRAM";
    for (const char *next; (next = strstr(text, mark)); text = next + sizeof mark - 1) {
        fwrite(text, 1, (size_t)(next - text), out);
        fputs(program->name, out);
    }
    fputs(text, out);
}

void program_options_write_choice(FILE *out, const char *choice)
{
    const char *end = strstr(choice, "|" NAME);
    for (; *choice != '\0' && choice != end; choice++)
        putc(*choice == '|' ? ' ' : *choice, out);
}

bool program_options_choice_has_names(const char *choice)
{
    return strstr(choice, "|" NAME) != NULL;
}

void program_options_write_pattern(FILE *out, const struct option_row *row)
{
    if (row->short_name)
        fprintf(out, "-%c | ", row->short_name);
    fprintf(out, "--%s", row->name);
}
