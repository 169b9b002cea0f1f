// Bluesky's own server (PDS) with a directory of identities (PLC) beside it, both on the loopback only.
//
//   node bluesky_pds.mjs DATA_FOLDER PUBLIC_PORT LISTEN_PORT PLC_PORT
//
// Accounts are told that their server is at PUBLIC_PORT, while it listens on LISTEN_PORT: what stands between the two
// (tests/peers/outward.py) can lose answers. Prints "ready" once it answers; ends on SIGTERM.
import { randomBytes } from 'node:crypto';
import net from 'node:net';

const [folder, publicPort, listenPort, plcPort] = [process.argv[2], ...process.argv.slice(3).map(Number)];

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const options = { port: Number(port) === publicPort ? listenPort : Number(port), host: '127.0.0.1' };
  return listen.call(this, options, ...rest.filter((each) => typeof each === 'function'));
};

const { Database, PlcServer } = await import('@did-plc/server');
const { PDS } = await import('@atproto/pds');
const { Secp256k1Keypair } = await import('@atproto/crypto');

const plc = PlcServer.create({ db: Database.mock(), port: plcPort });
await plc.start();
const pds = await PDS.fromEnv({
  devMode: true,
  port: publicPort,
  dataDirectory: folder,
  blobstoreDiskLocation: `${folder}/blobs`,
  recoveryDidKey: (await Secp256k1Keypair.create()).did(),
  plcRotationKeyK256PrivateKeyHex: randomBytes(32).toString('hex'),
  didPlcUrl: `http://localhost:${plcPort}`,
  jwtSecret: randomBytes(16).toString('hex'),
  adminPassword: randomBytes(16).toString('hex'),
  serviceHandleDomains: ['.test'],
  inviteRequired: false,
  disableSsrfProtection: true,
  bskyAppViewUrl: 'https://appview.invalid',
  bskyAppViewDid: 'did:example:invalid',
  rateLimitsEnabled: true,
});
await pds.start();
console.log('ready');

process.on('SIGTERM', async () => {
  await pds.destroy();
  await plc.destroy();
  process.exit(0);
});
