#ifndef SERVER_CONTROL_COMMANDS_CONFIG_COMMAND_H
#define SERVER_CONTROL_COMMANDS_CONFIG_COMMAND_H

struct control_session;

/* The command `config`: the configuration in effect, and what waits for a restart. Each entry of
 * config/config_listing is a line with the entry's name, its key as "section.key", and its value;
 * a value too long for one line of the answer continues in lines `more`. The answer is written in
 * slices, since a configuration may have 200,000 address blocks and 256 MiB of messages. state is a
 * struct command_context. */
void control_command_config(void *state, struct control_session *session, char *arguments);

#endif
