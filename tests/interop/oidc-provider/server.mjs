// oidc-provider and scimmy-routers as an administrator would put them together: one issuer, one SCIM directory, over TLS.
//   node server.mjs SETTINGS.json     { issuer, address, cert, key, clientKey, signingKey, directory }
// The directory is a file of SCIM users; what is written through SCIM is kept there.
import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync, renameSync } from 'node:fs';
import https from 'node:https';
import express from 'express';
import { calculateJwkThumbprint } from 'jose';
import Provider from 'oidc-provider';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';

const settings = JSON.parse(readFileSync(process.argv[2]));
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

const people = new Map(JSON.parse(readFileSync(settings.directory)).map((person) => [person.id, person]));

function keep() {
	writeFileSync(`${settings.directory}.new`, JSON.stringify([...people.values()], null, '\t'));
	renameSync(`${settings.directory}.new`, settings.directory);
}

function personNamed(name) {
	return [...people.values()].find((person) => person.userName === name);
}

function jwk(path, more) {
	const pem = readFileSync(path);
	const key = pem.includes('PRIVATE') ? createPrivateKey(pem) : createPublicKey(pem);
	return { ...key.export({ format: 'jwk' }), ...more };
}

// The host's assertions name their key by its RFC 7638 thumbprint, and the provider looks for that name.
async function hostKey(path) {
	const key = jwk(path, { use: 'sig', alg: 'ES256' });
	return { ...key, kid: await calculateJwkThumbprint(key) };
}

async function host(name) {
	return {
		client_id: name,
		token_endpoint_auth_method: 'private_key_jwt',
		token_endpoint_auth_signing_alg: 'ES256',
		grant_types: [DEVICE, 'client_credentials', 'refresh_token'],
		redirect_uris: [],
		response_types: [],
		require_auth_time: true,
		id_token_signed_response_alg: 'RS256',
		scope: 'openid organization directory',
		jwks: { keys: [await hostKey(settings.clientKey)] },
	};
}

const provider = new Provider(settings.issuer, {
	clients: [await host('web7'), await host('db3')],
	issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'), // the host asks for no offline_access
	jwks: { keys: settings.signingKeys.map((path) => jwk(path, { use: 'sig', alg: 'RS256' })) },
	clientAuthMethods: ['private_key_jwt'],
	scopes: ['openid', 'organization', 'directory'],
	claims: { openid: ['sub'], organization: ['organization'] },
	conformIdTokenClaims: false, // the host reads the organisation from the ID token
	features: {
		deviceFlow: { enabled: true, charset: 'base-20', mask: '****-****' },
		clientCredentials: { enabled: true },
		devInteractions: { enabled: true }, // a log-in page that takes any password: this is a test
	},
	cookies: { keys: [randomUUID()] },
	async findAccount(_, sub) {
		const person = personNamed(sub);
		return person?.active ? { accountId: sub, claims: () => ({ sub, organization: person[ENTERPRISE]?.organization }) } : undefined;
	},
});

for (const event of ['grant.error', 'server_error', 'authorization.error', 'userinfo.error']) {
	provider.on(event, (_, error) => console.log(`${event}: ${error.message} ${error.error_description ?? ''} ${error.error_detail ?? ''}`));
}

SCIMMY.Resources.declare(SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser))
	.ingress((resource, data) => {
		const id = resource.id ?? randomUUID();
		const person = { ...people.get(id), ...JSON.parse(JSON.stringify(data)), id, meta: { lastModified: new Date().toISOString() } };
		people.set(id, person);
		keep();
		return person;
	})
	.egress((resource) => {
		if (!resource.id) return [...people.values()];
		if (people.has(resource.id)) return people.get(resource.id);
		throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
	})
	.degress((resource) => {
		if (!people.delete(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
		keep();
	});
SCIMMY.Resources.declare(SCIMMY.Resources.Group).ingress(() => undefined).egress(() => []).degress(() => undefined);

async function bearer(request) {
	const token = request.header('Authorization')?.replace(/^Bearer /, '');
	if (token && token === settings.adminToken) return 'administrator';
	const granted = token && await provider.ClientCredentials.find(token);
	if (!granted?.scope?.split(' ').includes('directory')) throw new Error('a token for the directory is needed');
	return granted.clientId;
}

const app = express();
app.use('/scim/v2', new SCIMMYRouters({ type: 'bearer', docUri: settings.issuer, handler: bearer }));
app.use(provider.callback());
const [address, port] = settings.address.split(':');
https.createServer({ cert: readFileSync(settings.cert), key: readFileSync(settings.key) }, app)
	.listen(Number(port), address, () => console.log(`serving ${settings.issuer}`));
