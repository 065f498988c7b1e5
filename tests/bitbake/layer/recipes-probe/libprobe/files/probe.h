int probe_answer(void);
