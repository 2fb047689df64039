// An OpenID Provider that programs get access tokens of, as JWTs for `api://debitor`. It prints its
// address, and has another key after every line on standard input.
//
// Its clients are named after what they may be given.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';

// Standard output is for whoever started it.
console.info = console.error;

const AUDIENCE = 'api://debitor';
const SCOPES = { writer: 'Financials.ReadWrite.All', reader: 'Financials.Read.All', other: 'Other' };

const client = (id) => ({
  client_id: id,
  client_secret: 'secret',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
});

function key(algorithm) {
  const [type, options] = algorithm === 'ES256' ? ['ec', { namedCurve: 'P-256' }] : ['rsa', { modulusLength: 2048 }];
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), alg: algorithm, use: 'sig', kid: randomUUID() };
}

// The algorithm is ES256 at first, and RS256 after a rotation.
function provider(issuer, algorithm) {
  return new Provider(issuer, {
    clients: Object.keys(SCOPES).map(client),
    jwks: { keys: [key(algorithm), key('RS256')] },
    ttl: { ClientCredentials: 600 },
    scopes: Object.values(SCOPES),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, __, { clientId }) => ({
          audience: AUDIENCE,
          scope: SCOPES[clientId],
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: algorithm } },
        }),
      },
    },
  });
}

const server = createServer((request, response) => handle(request, response));
let handle;
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = provider(issuer, 'ES256').callback();
  console.log(issuer);
  createInterface(process.stdin).on('line', () => {
    handle = provider(issuer, 'RS256').callback();
    console.log('rotated');
  });
});
// Whoever started it has ended.
process.stdin.on('end', () => process.exit(0));
