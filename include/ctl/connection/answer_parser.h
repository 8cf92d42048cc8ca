#ifndef CTL_CONNECTION_ANSWER_PARSER_H
#define CTL_CONNECTION_ANSWER_PARSER_H

#include <stdbool.h>
#include <stdio.h>

/* Parser of the server's answers on the control socket. The protocol is documented in udpctl(8):
 * a first line "ok" or "error TEXT", then lines "KEY VALUE", then a line ".". */

enum {
    /* The longest line of an answer: a message of `listen`, with two digits for each byte of the
     * longest payload (65507) and the words beside it, and "\r\n" or "\n\0". */
    ANSWER_LINE_BYTES = (132 << 10) + 2,
    ANSWER_ERROR_BYTES = (8 << 10) + 256, /* the longest error line, and the words around it */
};

enum answer_result {
    ANSWER_OK,
    ANSWER_REFUSED,    /* the server answered with an error */
    ANSWER_NO_SERVER,  /* no server listens on the socket */
    ANSWER_FAILED,     /* no connection, a timeout, or an answer that breaks the protocol */
    ANSWER_INCOMPLETE, /* only from answer_parser_add_line: more lines follow */
};

/* Handles one line after the first. value is "" if the line has only a key; the handler may change
 * it. Returns NULL, or what is wrong with the line as a static string, which ends the answer. */
typedef const char *answer_line_handler(void *state, const char *key, char *value);

struct answer_parser { /* all zero at the beginning of an answer */
    bool begun, refused;
};

/* Parses one line, without its newline; the line may be changed. The handler also gets the lines
 * that follow an error. Returns ANSWER_INCOMPLETE until the answer is complete. error receives the
 * server's text if it refused the command, or a message for people after ANSWER_FAILED. */
enum answer_result answer_parser_add_line(struct answer_parser *answer, char *line,
                                          answer_line_handler *handler, void *state,
                                          char error[ANSWER_ERROR_BYTES]);

/* Reads one whole answer from in. error is as above. */
enum answer_result answer_parser_read(FILE *in, answer_line_handler *handler, void *state,
                                      char error[ANSWER_ERROR_BYTES]);

#endif
