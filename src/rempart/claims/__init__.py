"""Claims: what each pays. From a line of care and a guarantee to AMO's share, the complementary's and the patient's, to the cent.

What happens here: dated rules, pure, each citing its article; amounts in, amounts and the steps that led there out. Who may come in: the
doors and the vault's neighbours, with values. What never happens here: a name, a NIR, a birth date; a float; a rule that reads the clock.
"""
