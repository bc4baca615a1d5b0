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
`;
