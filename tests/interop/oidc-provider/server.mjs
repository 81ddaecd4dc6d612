// oidc-provider and scimmy-routers as an administrator would put them together: one issuer, one SCIM directory, over TLS.
//   node server.mjs SETTINGS.json     { issuer, address, cert, key, clientKey, signingKeys, directory, adminToken, registrationToken, clientSecret }
// The directory is a file of SCIM users and groups; what is written through SCIM is kept there.
import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync, renameSync } from 'node:fs';
import https from 'node:https';
import express from 'express';
import { calculateJwkThumbprint } from 'jose';
import Provider, { errors } from 'oidc-provider';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';

const settings = JSON.parse(readFileSync(process.argv[2]));
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

const CIBA = 'urn:openid:params:grant-type:ciba';
const stored = JSON.parse(readFileSync(settings.directory));
const [people, groups] = [stored.people, stored.groups].map((list) => new Map(list.map((record) => [record.id, record])));

function keep() {
	writeFileSync(`${settings.directory}.new`, JSON.stringify({ people: [...people.values()], groups: [...groups.values()] }, null, '\t'));
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
		grant_types: [DEVICE, CIBA, 'client_credentials', 'refresh_token'],
		backchannel_token_delivery_mode: 'poll',
		redirect_uris: [],
		response_types: [],
		require_auth_time: true,
		id_token_signed_response_alg: 'RS256',
		scope: 'openid organization directory',
		jwks: { keys: [await hostKey(settings.clientKey)] },
	};
}

// What gets tokens for people's automation to log in to hosts with; one of them signed, the other references.
function automation(name) {
	return {
		client_id: name,
		client_secret: settings.clientSecret,
		token_endpoint_auth_method: 'client_secret_basic',
		grant_types: [DEVICE],
		redirect_uris: [],
		response_types: [],
	};
}

// Hosts are resources (RFC 8707), and each goes by its client id in the tokens that are for it.
function resource(_, indicator, client) {
	const name = /^https:\/\/([a-z0-9]+)\.hosts\.example$/.exec(indicator)?.[1];
	if (!name) throw new errors.InvalidTarget();
	const form = client.clientId === 'signer' ? { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } } : { accessTokenFormat: 'opaque' };
	return { audience: name, scope: 'host', accessTokenTTL: 600, ...form };
}

// The people's approval devices: what CIBA asks waits here until they answer.
const asked = [];

const provider = new Provider(settings.issuer, {
	clients: [await host('web7'), await host('db3'), await host('app5'), automation('signer'), automation('porter')],
	issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'), // the host asks for no offline_access
	jwks: { keys: settings.signingKeys.map((path) => jwk(path, { use: 'sig' })) },
	clientAuthMethods: ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'self_signed_tls_client_auth'],
	scopes: ['openid', 'organization', 'directory'],
	claims: { openid: ['sub'], organization: ['organization'] },
	conformIdTokenClaims: false, // the host reads the organisation from the ID token
	extraTokenClaims: (_, token) => token.accountId && { organization: personNamed(token.accountId)?.[ENTERPRISE]?.organization },
	features: {
		deviceFlow: { enabled: true, charset: 'base-20', mask: '****-****' },
		clientCredentials: { enabled: true },
		registration: { enabled: true, initialAccessToken: settings.registrationToken },
		registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
		introspection: { enabled: true },
		mTLS: { enabled: true, selfSignedTlsClientAuth: true, getCertificate: (ctx) => ctx.socket.getPeerX509Certificate() },
		resourceIndicators: { enabled: true, defaultResource: () => undefined, useGrantedResource: () => true, getResourceServerInfo: resource },
		ciba: {
			enabled: true,
			deliveryModes: ['poll'],
			processLoginHint: (_, hint) => hint,
			verifyUserCode: () => undefined,
			validateRequestContext: () => undefined,
			triggerAuthenticationDevice: (_, request) => { asked.push(request); },
		},
		devInteractions: { enabled: true }, // a log-in page that takes any password: this is a test
	},
	cookies: { keys: [randomUUID()] },
	async findAccount(_, sub) {
		const person = personNamed(sub);
		return person?.active ? { accountId: sub, claims: () => ({ sub, organization: person[ENTERPRISE]?.organization }) } : undefined;
	},
});

// answer(PERSON, MESSAGE, YES): on the device of that person, who was shown that message.
async function answer(person, message, yes) {
	const request = asked.find(({ accountId, params }) => accountId === person && params.binding_message === message);
	if (!request) return false;
	const grant = new provider.Grant({ accountId: person, clientId: request.clientId });
	grant.addOIDCScope(request.scope);
	await grant.save();
	await provider.backchannelResult(request, yes ? grant : new errors.AccessDenied('refused on the device'), { authTime: Math.floor(Date.now() / 1000) });
	return true;
}

for (const event of ['grant.error', 'server_error', 'authorization.error', 'userinfo.error']) {
	provider.on(event, (_, error) => console.log(`${event}: ${error.message} ${error.error_description ?? ''} ${error.error_detail ?? ''}`));
}

function serve(type, records) {
	const known = (id) => {
		if (!records.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
		return id;
	};
	SCIMMY.Resources.declare(type)
		.ingress((resource, data) => {
			const id = resource.id ?? randomUUID();
			const record = { ...records.get(id), ...JSON.parse(JSON.stringify(data)), id, meta: { lastModified: new Date().toISOString() } };
			records.set(id, record);
			keep();
			return record;
		})
		.egress((resource) => (resource.id ? records.get(known(resource.id)) : [...records.values()]))
		.degress((resource) => {
			records.delete(known(resource.id));
			keep();
		});
}
serve(SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser), people);
serve(SCIMMY.Resources.Group.extend(new SCIMMY.Types.SchemaDefinition('EnterpriseGroup', ENTERPRISE.replace(/User$/, 'Group'), 'whose group it is',
	[new SCIMMY.Types.Attribute('string', 'organization')])), groups);

async function bearer(request) {
	const token = request.header('Authorization')?.replace(/^Bearer /, '');
	if (token && token === settings.adminToken) return 'administrator';
	const granted = token && await provider.ClientCredentials.find(token);
	if (!granted?.scope?.split(' ').includes('directory')) throw new Error('a token for the directory is needed');
	return granted.clientId;
}

const app = express();
app.use((request, _, next) => {
	console.log(`${request.method} ${request.url.replace(/user_code=.*/, '…')}`);
	next();
});
app.use('/scim/v2', new SCIMMYRouters({ type: 'bearer', docUri: settings.issuer, handler: bearer }));
app.post('/device-of/:person', express.json(), async (request, response) => {
	if (request.header('Authorization') !== `Bearer ${settings.adminToken}`) return response.sendStatus(401);
	return response.sendStatus(await answer(request.params.person, request.body.message, request.body.yes) ? 204 : 404);
});
app.use(provider.callback());
const [address, port] = settings.address.split(':');
// A certificate of a client's own has no authority that could be asked: the provider compares it with the registered one.
https.createServer({ cert: readFileSync(settings.cert), key: readFileSync(settings.key), requestCert: true, rejectUnauthorized: false }, app)
	.listen(Number(port), address, () => console.log(`serving ${settings.issuer}`));
