/** FORMAT.md of an export. */
export const FORMAT = `# What is in this folder

Public formats, unchanged: \`checkpoint\` is a signed note (c2sp.org/signed-note, c2sp.org/tlog-checkpoint, Ed25519) with the
cosignatures of witnesses (c2sp.org/tlog-cosignature); \`tile/\` are the hash tiles of the whole log and, in an export of
everything, \`tile/entries/\` its entries (c2sp.org/tlog-tiles); \`policy\` says whose oaths count (c2sp.org/tlog-policy).

An entry is the RFC 8785 canonical JSON, in UTF-8, of \`{ data, id, metadata, position, recordedAt, revision, stream, type }\`,
at most 65,535 bytes; its leaf hash is that of RFC 6962. \`recordedAt\` is when the engine learned of it,
\`metadata.occurredAt\` when it happened.

| File | What |
|---|---|
| export.json | format, scope, size of the log |
| entries.json | in a smaller scope: the indices of its entries, each as entries/N.json with its receipt entries/N.tlog-proof (c2sp.org/tlog-proof, the entry in \`extra\`) |
| checkpoints.json | every checkpoint that was kept, as signed notes |
| openings/N.json | what opens sealed texts of the entries N × 256 and following: \`{ entry: { path: [salt, value] } }\`, as far as the reader may read them and they were not erased |
| claims.json | the numbers that the operator claims |
| evidence.json, evidence/HASH | what claims of compliance cite, by SHA-256; \`included\` says whether the file is here |
| receipts.json | receipts that the operator knows of |
| verify.mjs, verify.html | the verifier, for Node 20 and for a browser; both read this folder and nothing else |

What is personal or confidential is sealed: in an entry's \`data\` stands \`{ "$sealed": C }\` in its place, where C is
base64(SHA-256(salt ‖ value)): 16 bytes of salt, and the value in RFC 8785 canonical JSON (a string with its quotes), in
UTF-8. \`path\` says where it stands: \`needs[0].statement\`. Whoever holds salt and value can show that they are what was
sealed then; without them C says nothing. What was erased has neither any more: a \`DataErased\` of the log names its event
and path, the law and the document.

Calendars, ladders, agencies and appointments are streams of the log and in every scope: all that is needed to count each
deadline again. \`node verify.mjs --help\` lists the options and exit codes. Bring the log's key (\`--key\`) and the
checkpoint of your last visit (\`--since\`) with you: what lies in this folder was put there by the operator.
What no verifier can show is in docs/what-this-cannot-prove.md of the project.

# To check it with a program of your own

All JSON is UTF-8. Sizes and indices are decimal numbers; hashes in file names are lower-case hexadecimal, in notes base64.

1. *Signature.* Read \`checkpoint\`: origin, size, root, signatures. A signature of the log is one of a key that you trust:
   key id = SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[:4]. \`policy\` only says which key the operator names.
2. *Root.* With \`"scope": { "kind": "all" }\` every \`tile/entries/N\` holds 256 entries (\`N.p/W\`: W), each after its length in
   two bytes, big-endian; SHA-256(0x00 ‖ entry) is its hash in \`tile/0/N\`. In a smaller scope take the hashes of
   \`tile/0\`, and compare those of the entries that are there. Their tree (RFC 6962, 2.1) has the root of the checkpoint, and
   \`tile/L\` above has the roots of full tiles below.
3. *Consistency.* Every root that somebody knows (your own earlier checkpoint, each of checkpoints.json, which the log has
   signed itself, each receipt's) is the root of the first so many hashes of the same tree.
4. *Witnesses.* Lines of signature type 0x04 sign \`cosignature/v1\\ntime T\\n\` and the text of the checkpoint. Count those
   that your policy names.
5. *Numbering.* An entry is in canonical form and has these eight members and no other. Within a stream \`revision\` counts
   from 0; \`position\` only grows; \`recordedAt\` does not go back by more than ten minutes. \`SessionScheduled.number\` counts from 1
   within a working group, \`ResolutionAdopted.ordinal\` within a session, and \`MinutesSigned.adopted\` says how many there are.
6. *Evidence and sealed texts.* Each \`evidence[].sha256\` of \`AgencyComplied\` is listed in evidence.json
   (\`{ sha256, name, mediaType, bytes, stream, included }\`), and is the hash of evidence/HASH when it is included. Every
   opening opens its commitment.
7. *People.* \`metadata.actor\` is who acted, in which role (\`onBehalfOf\`: the office, in an import), with which
   \`metadata.command\`; the project's CONTRACT, section 3, says who may send it. \`HolderAppointed\` and \`SubstituteAppointed\`
   (\`{ office, person, from, to? }\`, by local day, both days inclusive; a new holder ends the one before) say who held the office. Who has the
   \`agency\` of an obligation judges nothing of it.
8. *Clocks.* \`CalendarDefined\`, \`ClosureDeclared\`, \`ClosureCancelled\`, \`HoursDeclared\` make a calendar; \`ResolutionIssued\` pins
   calendar, rungs and term of each obligation; CONTRACT, sections 4 and 5, counts the rest. Whoever is neither the engine
   nor the registrar dates nothing back: \`occurredAt\` is \`recordedAt\`, or later.
9. *Numbers.* claims.json: \`resolutions\`, \`obligations\` by status, and of everything \`sessions\` (opened), \`agendas\` (cases tabled for
   a session and not moved away before it opened), \`averageCasesPerSession\` (two decimals), \`visits\` with findings, \`visitsOf\`.
10. *Receipts.* A .tlog-proof leads from its entry to the root of its own checkpoint; that root is one of stage 3, and the
    entry at its index is the same here.
`;
