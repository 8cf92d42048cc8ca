#ifndef SIM_WORLD_SUBSCRIBERS_H
#define SIM_WORLD_SUBSCRIBERS_H

/* Sessions of the control socket that subscribe to messages and events, and of the observers'
 * socket that subscribe to events. Some do not read for a while or never, and some leave, also
 * before they are accepted. */
void subscribers_draw(void);

/* The server has ended. subscribers_draw has them begin again. */
void subscribers_disconnect(void);

/* From now on they read, and no more of them begin or leave. */
void subscribers_end(void);

/* While no thread can run: those that read have got all that they had to. */
void subscribers_check_idle(void);

#endif
