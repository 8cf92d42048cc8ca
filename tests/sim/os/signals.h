#ifndef SIM_OS_SIGNALS_H
#define SIM_OS_SIGNALS_H

/* Sends a signal to the server. */
void simulated_signal(int signal);

/* The state that the server has given to its signal callback: its struct server. NULL before. */
void *simulated_signals_state(void);

/* The server has ended, and with it its pending signals. */
void simulated_signals_reset(void);

#endif
