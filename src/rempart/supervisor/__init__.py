"""Starts Rempart's processes and stops them, on one machine.

What happens here: the folder of an installation (`home`), its first provisioning (`provision`), the processes in their order, restarted
when they crash, drained when asked (`supervise`), one state file (`state`). Who may come in: `rempart up`, `status` and `down`. What never
happens here: a key is read, a person's data passes, a rule of the trade is decided.
"""
