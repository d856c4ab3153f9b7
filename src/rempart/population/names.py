"""Fictional names, built from invented syllables: some with an accent, a hyphen, an apostrophe or a space, as real ones have."""

_STEMS = (
    "Ardiv", "Balmor", "Cendrav", "Dolquin", "Esterv", "Fauvil", "Grandol", "Hespér", "Isambr", "Jonquev", "Kerlou", "Lavand",
    "Mirabol", "Nébul", "Orfév", "Pervench", "Quillav", "Ronciv", "Sapinol", "Tourmal", "Ulmier", "Violav", "Wistér", "Yeusev",
    "d'Ambrel", "de L'Aub", "Le Brumev", "Saint-Orv", "Bois-Clév", "Vert-Ém", "La Roncev", "Çédrav",
)  # fmt: skip
_ENDINGS = (
    "elle", "oizel", "ambre", "ivert", "onnel", "âtre", "usson", "ébert", "igny-Lune", "adour", "ensol", "oriel", "umbert", "épine",
    "incel", "orage", "uvial", "armin", "étoile", "othe", "iquère", "alune", "andrin", "ouvray", "ysope", "erval", "ombelle",
    "acinthe", "ivière", "onciel", "ébène", "ulaire",
)  # fmt: skip

FAMILY_NAMES = tuple(stem + ending for stem in _STEMS for ending in _ENDINGS)
"""1,024 of them."""

FIRST_NAMES = (
    "Abélune", "Aloïne", "Ambrelin", "Anémon", "Bastorin", "Bérylle", "Brumaël", "Calixane", "Cédrile", "Clarambe", "Corolin", "Damasque",
    "Dorélie", "Églantin", "Elvinor", "Estrélie", "Faunelle", "Fénelin", "Florimar", "Gaïlune", "Garancin", "Hélianthe-Rose", "Hyssope",
    "Irisande", "Ivoirin", "Jaspéline", "Jonquil", "Kalmine", "Lazulin", "Lilorée", "Lucimare", "Malachin", "Marbrelle", "Mélilot",
    "Myrtelin", "Nacrine", "Nivéal", "Noéline-Mai", "Obsidor", "Ombeline-Fée", "Opalin", "Orphéane", "Pavelin", "Pétronel", "Pivoinel",
    "Quartzane", "Quéline", "Résédane", "Romarine", "Rubanel", "Safranin", "Sauvélie", "Sylvorin", "Tamarine", "Thyméo", "Topazel",
    "Ultramar", "Valériel", "Verveline", "Viburnin", "Wolframe", "Xylane", "Yuccaël", "Zéphirine",
)  # fmt: skip
"""64 of them, for anybody."""

TOWNS = (
    "Val-d'Ardoise", "Bourg-Tilleul", "Clairelune", "Port-Girouette", "Sept-Moulins-sur-Onde", "Hauterive-les-Nuages", "Rochambelle",
    "Mont-Sablier", "Fontorage", "Brumeville", "Pont-Luciole", "Étang-Doré", "Marépine", "La Roseraie", "Combe-Étoile", "Vermarais",
)  # fmt: skip
