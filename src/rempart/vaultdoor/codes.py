"""Every refusal a person can meet: stable code → HTTP status, French, English. One table for all doors; each sentence says what to do."""

from typing import NamedTuple

from rempart.foundation.identifiers import BadAmcNumber, BadFiness


class Code(NamedTuple):
    status: int
    french: str
    english: str


CODES: dict[str, Code] = {
    "bad-input": Code(
        400,
        "La demande est mal formée : corrigez le champ indiqué et recommencez.",
        "The request is malformed: correct the field named and try again.",
    ),
    BadFiness.code: Code(400, BadFiness.french, BadFiness.english),
    BadAmcNumber.code: Code(400, BadAmcNumber.french, BadAmcNumber.english),
    "too-large": Code(
        413, "La demande est trop volumineuse (64 Kio au plus).", "The request is too large (64 KiB at most)."
    ),
    "not-found": Code(404, "Cette adresse n'existe pas ici.", "There is nothing at this address."),
    # The doors' own: the form and the number of requests.
    "media-type": Code(
        415,
        "Le corps doit être du JSON : application/fhir+json ou application/json.",
        "The body must be JSON: application/fhir+json or application/json.",
    ),
    "coding": Code(
        415,
        "Le corps ne doit pas être compressé : renvoyez-le sans Content-Encoding.",
        "The body must not be compressed: send it again without Content-Encoding.",
    ),
    "method": Code(
        405, "Cette adresse n'accepte pas cette méthode.", "This address does not accept this method."
    ),
    "slow": Code(
        408, "La demande n'est pas arrivée entière à temps.", "The request did not arrive whole in time."
    ),
    "target-too-long": Code(
        414, "L'adresse demandée est trop longue (8 Kio au plus).", "The address is too long (8 KiB at most)."
    ),
    "header-too-large": Code(
        431,
        "Les en-têtes de la demande sont trop longs ou trop nombreux (16 Kio, 64 lignes au plus).",
        "The request's headers are too long or too many (16 KiB, 64 lines at most).",
    ),
    "crowded": Code(
        429,
        "Trop de demandes sont en cours depuis votre adresse : attendez les réponses, puis recommencez.",
        "Too many requests are under way from your address: wait for their answers, then try again.",
    ),
    "queue": Code(
        503,
        "Beaucoup de personnes se connectent en même temps : votre place est retenue, la page attend votre tour. Un logiciel redemande après"
        " Retry-After secondes, avec son Rempart-Ticket.",
        "Many people sign in at the same time: your place is kept, the page waits for your turn. A software asks again after"
        " Retry-After seconds, with its Rempart-Ticket.",
    ),
    "saturated": Code(
        503,
        "Trop de demandes sont en cours ici : rien n'a été fait de la vôtre. Recommencez dans quelques secondes.",
        "Too many requests are under way here: nothing was done with yours. Try again in a few seconds.",
    ),
    "busy": Code(
        429,
        "Ce poste a déjà quatre consultations en cours : attendez leurs réponses, puis recommencez.",
        "This device has four look-ups under way already: wait for their answers, then try again.",
    ),
    "signature": Code(
        401,
        "La signature de la demande n'est pas valable pour ce poste : rechargez la page et reconnectez-vous.",
        "The request's signature does not hold for this device: reload the page and sign in again.",
    ),
    "stale": Code(
        401,
        "La demande a expiré ou a déjà servi : vérifiez l'heure de ce poste, puis recommencez.",
        "The request has expired or was already used: check this device's clock, then try again.",
    ),
    "session": Code(
        401, "Votre session est terminée : reconnectez-vous.", "Your session is over: sign in again."
    ),
    "device": Code(
        401,
        "Ce poste n'est pas reconnu, ou sa validité de 12 h est passée : reconnectez-vous.",
        "This device is not bound, or its 12 hours are over: sign in again.",
    ),
    "editor": Code(
        401,
        "La signature de l'éditeur de ce logiciel manque, n'est pas la sienne, ou cet éditeur est suspendu : adressez-vous à l'éditeur ; le portail reste ouvert.",
        "The signature of this software's editor is missing, is another's, or this editor is suspended: turn to the editor; the portal stays open.",
    ),
    "credentials": Code(
        401,
        "Ces informations de connexion ne sont pas valables. Après plusieurs essais, attendez quelques minutes.",
        "These sign-in details are not valid. After several attempts, wait a few minutes.",
    ),
    "activation": Code(
        401,
        "Ce code n'est pas valable, a déjà servi ou a expiré : demandez-en un autre à votre titulaire ou à l'opérateur.",
        "This code is not valid, was used or has expired: ask your titulaire or the operator for another.",
    ),
    "campaign-due": Code(
        403,
        "Une mesure de sécurité vous demande d'abord quelque chose : ouvrez la page « À faire avant de reprendre » du portail.",
        "A security measure asks something of you first: open the portal's page « To do before you go on ».",
    ),
    "passkey-only": Code(
        403,
        "Ici, seule une connexion par clé d'accès est admise : reconnectez-vous avec la vôtre. Sans clé d'accès, demandez à l'opérateur un code d'activation par courrier.",
        "Only a sign-in by passkey is admitted here: sign in again with yours. Without one, ask the operator for an activation code by post.",
    ),
    "lane-closed": Code(
        403,
        "Votre établissement ou votre logiciel ne peut pas vérifier un droit de cette façon : utilisez la carte de tiers payant. Cette réponse ne dit rien de la personne.",
        "Your establishment or software may not check a right this way: use the tiers payant card. This says nothing of the person.",
    ),
    "network": Code(
        403,
        "Votre établissement ou votre logiciel ne peut travailler que depuis les réseaux convenus avec l'opérateur, et celui-ci n'en est pas.",
        "Your establishment or software may work only from the networks agreed with the operator, and this is none of them.",
    ),
    "editor-key-due": Code(
        403,
        "L'éditeur de ce logiciel doit d'abord faire remplacer sa clé par l'opérateur : prévenez-le. Le portail reste ouvert dans un navigateur.",
        "This software's editor has to have its key replaced by the operator first: tell them. The portal stays open in a browser.",
    ),
    "step-up": Code(
        403,
        "Confirmez d'abord que c'est vous, avec votre clé d'accès ; pour une action sensible, un mot de passe et un code conviennent aussi.",
        "Confirm first that it is you, with your passkey; for a sensitive act, a password and a code do as well.",
    ),
    "forbidden": Code(
        403,
        "Votre rôle ne permet pas cette action : demandez à votre titulaire.",
        "Your role does not allow this: ask your titulaire.",
    ),
    "password-weak": Code(
        422,
        "Mot de passe refusé : 12 caractères au moins, davantage s'ils sont tous d'une sorte, rien de courant ni de proche de l'ancien ou de votre identifiant.",
        "Password refused: at least 12 characters, more where they are all of one kind, nothing common nor close to the former one or to your login.",
    ),
    "last-factor": Code(
        409,
        "C'est votre dernier moyen de connexion : ajoutez-en un autre avant de le retirer.",
        "This is your last way to sign in: add another before removing it.",
    ),
    "exhausted": Code(
        429,
        "La ligne de consultations de ce poste, de ce compte ou de cet établissement est épuisée pour l'instant. Elle se rouvre à mesure que vos consultations deviennent des factures ; une personne de l'assistance peut vous rappeler.",
        "This device's, account's or establishment's line of look-ups is used up for now. It reopens as your look-ups become invoices; a person can call you back.",
    ),
    "invitations": Code(
        429,
        "Trente invitations au plus par jour et par personne : continuez demain, ou adressez-vous à l'opérateur.",
        "At most thirty invitations a day and person: go on tomorrow, or turn to the operator.",
    ),
    "breaker": Code(
        429,
        "Trop de consultations sont demandées en ce moment à cet organisme ou à la plateforme, tous professionnels réunis : par sécurité, elles attendent. Recommencez dans quelques minutes.",
        "Too many look-ups are being asked of this insurer or of the platform, by all professionals together: as a safeguard they wait. Try again in a few minutes.",
    ),
    "widened-enough": Code(
        429,
        "L'opérateur a allongé cette ligne autant qu'il le peut : trois fois par jour, 1 500 unités sur 32 jours. Elle se rouvre à mesure que les consultations deviennent des factures.",
        "The operator lengthened this line as much as allowed: three times a day, 1,500 units in 32 days. It reopens as look-ups become invoices.",
    ),
    "inquiries": Code(
        429,
        "Trop de demandes « Qui a consulté » pour l'instant : recommencez demain, ou passez par les systèmes de l'assureur.",
        "Too many askings of who consulted for now: try again tomorrow, or ask by the insurer's systems.",
    ),
    "contained": Code(
        423,
        "Les consultations et la facturation sont suspendues ici par mesure de sécurité. L'assistance vous contactera.",
        "Look-ups and invoicing are suspended here as a security measure. Support will contact you.",
    ),
    "claims-only": Code(
        423,
        "Par mesure de sécurité, seules les factures d'engagements déjà donnés sont reçues pour l'instant : envoyez-les, vos paiements continuent. Les consultations, devis et prises en charge reprendront ensuite.",
        "As a security measure only invoices on engagements already given are taken for now: send them, your payments go on. Look-ups, quotes and prises en charge come back later.",
    ),
    "read-only": Code(
        423,
        "Par mesure de sécurité, rien ne peut être écrit pour l'instant : les droits se vérifient, les paiements déjà dus continuent. Gardez vos factures et vos demandes, et envoyez-les à la réouverture : leurs engagements restent valables.",
        "As a security measure nothing can be written for now: rights can be checked, payments already due go on. Keep your invoices and requests and send them once it reopens: their engagements stay valid.",
    ),
    "known-only": Code(
        423,
        "Par mesure de sécurité, seuls les patients déjà vérifiés par votre établissement peuvent l'être pour l'instant. Cette réponse ne dit rien des droits de cette personne : servez-la comme si le service ne répondait pas, et vérifiez ses droits plus tard.",
        "As a security measure only patients whom your establishment has checked before can be checked for now. This says nothing of this person's rights: serve them as if the service did not answer, and check later.",
    ),
    "seat-suspended": Code(
        403,
        "Votre établissement est suspendu par la plateforme, hors toute mesure de sécurité : ni consultation, ni prise en charge, ni changement de RIB. Vos factures d'engagements déjà donnés sont reçues et vos paiements continuent. Le motif et la date sont sur « Mon établissement » ; appelez l'assistance.",
        "The platform has suspended your establishment, which is no security measure: no look-up, no prise en charge, no change of account. Invoices on engagements already given are taken and payments go on. The reason and the date are on « My establishment »; call support.",
    ),
    "seat-departed": Code(
        403,
        "Votre établissement est fermé ici depuis sa date de départ : plus de consultation, de devis ni de prise en charge. Envoyez vos dernières factures avant la date indiquée sur « Mon établissement ».",
        "Your establishment has been closed here since its day of departure: no look-up, quote or prise en charge any more. Send your last invoices before the day given on « My establishment ».",
    ),
    "seat-invoices-over": Code(
        403,
        "Votre établissement a quitté la plateforme depuis plus de 60 jours : ses factures ne sont plus reçues ici. Adressez-les à l'organisme complémentaire, sur papier, avec le numéro d'engagement. Ce qui était accepté vous est payé.",
        "Your establishment left more than 60 days ago: its invoices are no longer taken here. Send them to the insurer on paper, with the engagement's number. What was accepted is paid to you.",
    ),
    "seat-not-open": Code(
        403,
        "Votre établissement reprend ce FINESS à une date à venir, indiquée sur « Mon établissement » : consultations et factures commencent ce jour-là. D'ici là, invitez vos collaborateurs et donnez votre RIB.",
        "Your establishment takes this FINESS over on a day to come, given on « My establishment »: look-ups and invoices begin that day. Until then invite your colleagues and give your bank account.",
    ),
    "two-people": Code(
        403,
        "Deux personnes doivent signer pour arrêter ou rouvrir toute la plateforme : `rempart operator two-people` donne le texte. Seul, on peut la limiter aux patients connus (known-only) ou demander une confirmation (step-up).",
        "Two people have to sign to stop or reopen the whole platform: `rempart operator two-people` gives the text. One alone may narrow it to known patients (known-only) or ask for a confirmation (step-up).",
    ),
    "ledger-not-yet": Code(
        404,
        "Cette entrée n'est pas encore sous une racine signée et contresignée : redemandez-la dans une seconde.",
        "This entry is not yet under a signed and cosigned root: ask again in a second.",
    ),
    "restored-backup": Code(
        409,
        "La plate-forme est fermée car son registre n'est pas celui que ses témoins ont vu : deux personnes doivent signer sa réouverture.",
        "The platform is closed since its ledger is not the one its witnesses saw: two people have to sign its reopening.",
    ),
    "release-refused": Code(
        403,
        "Deux personnes différentes doivent signer ce texte même : redemandez-le et signez à nouveau.",
        "Two different people have to sign this very text: ask for it again and sign anew.",
    ),
    "conflict": Code(
        409,
        "Cela existe déjà ou a changé entre-temps : rechargez la page.",
        "This exists already or has changed meanwhile: reload the page.",
    ),
    "outage": Code(
        503,
        "Le service ne peut pas répondre pour l'instant : rien n'a été divulgué. Réessayez dans une minute.",
        "The service cannot answer for now: nothing was disclosed. Try again in a minute.",
    ),
    "internal": Code(
        500,
        "Erreur interne : rien n'a été divulgué. Citez la référence à l'assistance.",
        "Internal error: nothing was disclosed. Quote the reference to support.",
    ),
    # Tiers payant: docs/rejects.md, cause and remedy.
    "number-used": Code(
        422,
        "Ce numéro de facture a déjà été accepté, avec un autre contenu. Donnez un autre numéro, ou envoyez une correction de la facture acceptée.",
        "This invoice number was already accepted, with other content. Use another number, or send a correction of the accepted invoice.",
    ),
    "care-date-other": Code(
        422,
        "La date des soins n'est pas celle de la vérification des droits. Vérifiez les droits pour la date des soins, puis renvoyez la facture.",
        "The care date is not the one of the rights check. Check the rights for the care date, then send the invoice again.",
    ),
    "care-date-future": Code(
        422,
        "La date des soins est à venir. Envoyez la facture le jour des soins ou après.",
        "The care date is in the future. Send the invoice on the care date or later.",
    ),
    "late": Code(
        422,
        "Les soins datent de plus de deux ans. La facture ne peut plus être payée en tiers payant : vérifiez la date des soins.",
        "The care is more than two years old. It can no longer be paid this way: check the care date.",
    ),
    "nature": Code(
        422,
        "Cet acte ne se facture pas dans le domaine de l'engagement. Corrigez la nature de la ligne, ou vérifiez les droits dans le domaine de l'acte.",
        "This act is not billed in the engagement's domain. Correct the line's nature, or check the rights in the act's domain.",
    ),
    "lines": Code(
        422,
        "Une ligne est incomplète ou se contredit. Complétez le champ indiqué, puis renvoyez.",
        "A line is incomplete or contradicts itself. Complete the field named, then send again.",
    ),
    "double-billing": Code(
        422,
        "Les mêmes actes du même jour pour la même personne sont déjà facturés sous un autre numéro. Ne renvoyez pas ; pour modifier la première facture, envoyez une correction.",
        "The same acts of the same day for the same person are already billed under another number. Do not send again; to change the first invoice, send a correction.",
    ),
    "corrects-unknown": Code(
        404,
        "La facture à corriger n'est pas une facture acceptée de votre établissement. Vérifiez le numéro de la facture à corriger.",
        "The invoice to correct is no accepted invoice of your establishment. Check the number of the invoice to correct.",
    ),
    "prise-en-charge-needed": Code(
        422,
        "Ce domaine demande une prise en charge. Demandez une prise en charge, puis facturez avec son numéro.",
        "This domain needs a prise en charge. Ask for a prise en charge, then bill with its number.",
    ),
    "prise-en-charge-unknown": Code(
        404,
        "Cette prise en charge n'est pas connue dans votre établissement. Vérifiez son numéro.",
        "This prise en charge is not known in your establishment. Check its number.",
    ),
    "prise-en-charge-not-agreed": Code(
        422,
        "Cette prise en charge n'est pas accordée. Attendez l'accord de l'assureur, ou faites une nouvelle demande.",
        "This prise en charge is not agreed. Wait for the insurer's agreement, or ask again.",
    ),
    "prise-en-charge-used": Code(
        422,
        "Cette prise en charge a déjà été facturée. Corrigez ou annulez la première facture, ou demandez une nouvelle prise en charge.",
        "This prise en charge was already billed. Correct or cancel the first invoice, or ask for a new prise en charge.",
    ),
    "prise-en-charge-period": Code(
        422,
        "La date des soins n'est pas dans la période de validité de la prise en charge. Demandez une nouvelle prise en charge pour cette date.",
        "The care date is outside the validity of the prise en charge. Ask for a new prise en charge for that date.",
    ),
    "prise-en-charge-expired": Code(
        422,
        "La prise en charge a expiré : elle se facture au plus tard 60 jours après la fin de sa validité. Demandez une nouvelle prise en charge.",
        "The prise en charge has expired: it is billed 60 days after its validity at the latest. Ask for a new prise en charge.",
    ),
    "prise-en-charge-exceeded": Code(
        422,
        "La facture dépasse ce que la prise en charge accorde. Modifiez la prise en charge avant de facturer, ou facturez ce qui est accordé.",
        "The invoice goes beyond what the prise en charge agreed. Amend the prise en charge before billing, or bill what was agreed.",
    ),
    "engagement-invalid": Code(
        422,
        "Ce n'est pas un engagement de la plateforme. Reprenez l'engagement de la vérification des droits, sans le modifier.",
        "This is no engagement of the platform. Take the engagement of the rights check, unchanged.",
    ),
    "engagement-old": Code(
        422,
        "Cette vérification des droits est trop ancienne pour un devis ou une prise en charge : vérifiez à nouveau les droits.",
        "This rights check is too old for a quote or a prise en charge: check the rights again.",
    ),
    "engagement-elsewhere": Code(
        422,
        "Cet engagement a été donné à un autre établissement. Vérifiez les droits depuis votre établissement.",
        "This engagement was given to another establishment. Check the rights from your establishment.",
    ),
    "engagement-missing": Code(
        422,
        "La demande ne porte ni engagement ni prise en charge. Vérifiez les droits, puis joignez l'engagement.",
        "The request has neither an engagement nor a prise en charge. Check the rights, then join the engagement.",
    ),
    "invoice-unknown": Code(
        404,
        "Cette facture acceptée n'est pas connue dans votre établissement. Vérifiez son numéro ; une facture refusée ou déjà annulée ne s'annule pas.",
        "This accepted invoice is not known in your establishment. Check its number; a refused or cancelled invoice cannot be cancelled.",
    ),
    "flow-digest": Code(
        409,
        "Le fichier reçu n'est pas entier ou a été modifié : téléchargez-le à nouveau avant de l'acquitter.",
        "The file received is not whole or was changed: download it again before you acknowledge it.",
    ),
    "package-replaced": Code(
        410,
        "Une version plus récente de ce dossier est acquittée : celle-ci a été effacée ici. Lisez la plus récente.",
        "A newer issue of this package was acknowledged: this one was deleted here. Read the newest.",
    ),
    "flow-acknowledged": Code(
        410,
        "Ce fichier est acquitté : son contenu a été effacé ici, le vôtre est le seul exemplaire.",
        "This file is acknowledged: its content was deleted here, yours is the only copy.",
    ),
    "prise-en-charge-decided": Code(
        409,
        "Cette prise en charge n'attend plus de décision : rechargez la page.",
        "This prise en charge no longer waits for a decision: reload the page.",
    ),
    "iban": Code(
        422,
        "Cet IBAN est invalide : recopiez-le depuis votre RIB, en vérifiant chaque chiffre.",
        "This IBAN is invalid: copy it again from your bank details, checking each digit.",
    ),
    "rib-outside-sepa": Code(
        422,
        "Ce compte est hors de la zone SEPA : donnez l'IBAN d'un compte de la zone SEPA.",
        "This account is outside SEPA: give the IBAN of an account inside it.",
    ),
    "rib-not-synthetic": Code(
        422,
        "Une démonstration n'accepte que des comptes d'exemple (code banque 00000) : ne saisissez pas un vrai RIB.",
        "A demonstration takes example accounts only (bank code 00000): do not type a real one.",
    ),
    "rib-synthetic": Code(
        422,
        "Cet IBAN est un exemple : donnez celui de votre compte professionnel.",
        "This IBAN is an example: give that of your business account.",
    ),
    "rib-passkey": Code(
        403,
        "Un RIB ne se change qu'après une connexion par clé d'accès : déconnectez-vous, puis reconnectez-vous avec la vôtre.",
        "Bank details change only after a sign-in by passkey: sign out, then sign in again with yours.",
    ),
    "rib-waiting": Code(
        409,
        "Un changement de RIB est déjà en attente : annulez-le d'abord, ou laissez-le prendre effet.",
        "A change of bank details is waiting already: cancel it first, or let it take effect.",
    ),
    "rib-none-to-check": Code(
        409,
        "Aucune confirmation de RIB ne vous est demandée.",
        "No confirmation of bank details is asked of you.",
    ),
    "rib-none-waiting": Code(
        409,
        "Aucun changement de RIB n'est en attente : rechargez la page.",
        "No change of bank details is waiting: reload the page.",
    ),
    "rib-new-person": Code(
        403,
        "Vous travaillez ici depuis trop peu de temps pour confirmer ce RIB : une personne arrivée au moins deux jours avant la demande doit le faire.",
        "You have worked here for too short a time to confirm this account: somebody who came at least two days before the request must.",
    ),
    "own-proposal": Code(
        403,
        "Une autre personne doit approuver, sur son propre poste : ni celle qui propose, ni un compte du même poste.",
        "Somebody else must approve, on a device of their own: neither whoever proposed, nor an account on the same device.",
    ),
    "dossier-unread": Code(
        409,
        "Ouvrez d'abord ce dossier vous-même, et comparez son empreinte : page Référencements.",
        "Open this dossier yourself first, and compare its digest: page Applications.",
    ),
    "doubts": Code(
        409,
        "Rien n'est fait : le dossier ou ce que les vérifications y trouvent a changé. Vérifiez de nouveau, cochez chaque point, et proposez.",
        "Nothing is done: the dossier, or what the checks find in it, has changed. Check again, tick each point, and propose it.",
    ),
    "approval-over": Code(
        409,
        "Aucune approbation de deux personnes ne vaut ici : plus de trente jours ont passé, elle a servi, ou n'a pas été donnée. Proposez de nouveau.",
        "No approval by two people stands here: over thirty days have passed, it was used, or it was never given. Propose it again.",
    ),
    "proposal-over": Code(
        409,
        "Cette proposition n'attend plus : elle est faite, retirée, ou ses trente minutes sont passées. Proposez de nouveau.",
        "This proposal waits no more: it was done, withdrawn, or its thirty minutes are over. Propose it again.",
    ),
    "not-released": Code(
        409,
        "Deux personnes n'ont pas approuvé l'envoi de ces dossiers, ou il y a plus d'une heure : préparez l'envoi et proposez-le de nouveau.",
        "Two people did not approve that these packages go, or over an hour ago: prepare them and propose it again.",
    ),
    "rib-second-person": Code(
        403,
        "Une autre personne de l'établissement doit confirmer : celle qui a demandé le changement ne le peut pas.",
        "Another person of the establishment must confirm: whoever asked for the change cannot.",
    ),
    "dossier-fields": Code(
        422,
        "Des champs de la demande sont à corriger.",
        "Fields of the application have to be corrected.",
    ),
    "dossier-crowded": Code(
        503,
        "Trop de demandes attendent en ce moment : réessayez demain, ou écrivez à l'opérateur.",
        "Too many applications wait at present: try again tomorrow, or write to the operator.",
    ),
    "dossier-often": Code(
        429,
        "Assez de demandes sont venues de votre adresse aujourd'hui : réessayez demain.",
        "Enough has come from your address today: try again tomorrow.",
    ),
    "dossier-over": Code(
        409,
        "Cette demande n'attend plus de document : une heure est passée, ou elle est incomplète. Envoyez-la de nouveau.",
        "This application waits for no more: an hour is over, or it is not complete. Send it again.",
    ),
    "dossier-file": Code(
        422,
        "Ce fichier n'est ni un PDF, ni une image PNG ou JPEG : enregistrez-le dans l'un de ces formats.",
        "This file is neither a PDF nor a PNG or JPEG image: save it as one of these.",
    ),
    "dossier-unknown": Code(
        404,
        "Ce code de suivi ne correspond à aucune demande : recopiez-le, tirets compris ou non.",
        "This follow-up code matches no application: copy it again, with or without dashes.",
    ),
    "dossier-openings": Code(
        429,
        "Vous avez ouvert soixante documents de demandes en un jour : un collègue continue, ou demain.",
        "You have opened sixty documents of applications in a day: a colleague goes on, or tomorrow.",
    ),
    "dossier-unreadable": Code(
        422,
        "Ce document ne s'ouvre pas : il a été altéré ou déplacé. Prévenez le responsable de la sécurité.",
        "This document does not open: it was altered or moved. Tell the security lead.",
    ),
    "statement-unknown": Code(
        404,
        "Ce relevé n'est pas connu dans votre établissement : vérifiez son numéro.",
        "This statement is not known in your establishment: check its number.",
    ),
    "statement-unbalanced": Code(
        503,
        "Ce relevé n'est pas disponible : l'opérateur le vérifie. Votre virement n'est pas en cause.",
        "This statement is not available: the operator is checking it. Your transfer is not affected.",
    ),
    "formula": Code(
        422,
        "La formule de garantie de ce produit est incomplète : l'assureur doit renvoyer son fichier des produits.",
        "This product's guarantee formula is incomplete: the insurer has to send its products' file again.",
    ),
    "care-date": Code(
        422,
        "Cette date de soins est antérieure aux premiers paramètres connus : vérifiez la date.",
        "This care date is before the first known parameters: check the date.",
    ),
}
