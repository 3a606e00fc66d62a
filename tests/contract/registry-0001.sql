BEGIN TRANSACTION;
CREATE TABLE adapter (
	id INTEGER NOT NULL, 
	name VARCHAR(63) NOT NULL, 
	base VARCHAR(63) NOT NULL, 
	base_id VARCHAR(64) NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_adapter PRIMARY KEY (id), 
	CONSTRAINT uq_adapter_name UNIQUE (name), 
	CONSTRAINT fk_adapter_base_base FOREIGN KEY(base) REFERENCES base (name)
);
INSERT INTO "adapter" VALUES(1,'notes','tiny','54434917a3352ba1d7c47be5e17cd32e54f511a88423ec257b5a2e922011f863','2026-11-21T12:02:42.813779Z');
INSERT INTO "adapter" VALUES(2,'letters','tiny','54434917a3352ba1d7c47be5e17cd32e54f511a88423ec257b5a2e922011f863','2026-11-21T12:02:42.841277Z');
CREATE TABLE alias (
	adapter_id INTEGER NOT NULL, 
	name VARCHAR(63) NOT NULL, 
	number INTEGER NOT NULL, 
	generation INTEGER NOT NULL, 
	updated_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_alias PRIMARY KEY (adapter_id, name), 
	CONSTRAINT fk_alias_adapter_id_number_version FOREIGN KEY(adapter_id, number) REFERENCES version (adapter_id, number)
);
INSERT INTO "alias" VALUES(1,'production',2,4,'2026-11-21T12:02:42.837146Z');
INSERT INTO "alias" VALUES(2,'canary',1,1,'2026-11-21T12:02:42.843457Z');
CREATE TABLE alias_move (
	id INTEGER NOT NULL, 
	adapter_id INTEGER NOT NULL, 
	alias VARCHAR(63) NOT NULL, 
	generation INTEGER NOT NULL, 
	from_number INTEGER, 
	to_number INTEGER NOT NULL, 
	actor TEXT NOT NULL, 
	reason VARCHAR(16) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_alias_move PRIMARY KEY (id), 
	CONSTRAINT uq_alias_move_adapter_id_alias_generation UNIQUE (adapter_id, alias, generation), 
	CONSTRAINT fk_alias_move_adapter_id_to_number_version FOREIGN KEY(adapter_id, to_number) REFERENCES version (adapter_id, number)
);
INSERT INTO "alias_move" VALUES(1,1,'production',1,NULL,1,'eve','promote','2026-11-21T12:02:42.819918Z');
INSERT INTO "alias_move" VALUES(2,1,'production',2,1,2,'eve','promote','2026-11-21T12:02:42.827481Z');
INSERT INTO "alias_move" VALUES(3,1,'production',3,2,3,'eve','promote','2026-11-21T12:02:42.834413Z');
INSERT INTO "alias_move" VALUES(4,1,'production',4,3,2,'eve','rollback','2026-11-21T12:02:42.837146Z');
INSERT INTO "alias_move" VALUES(5,2,'canary',1,NULL,1,'eve','promote','2026-11-21T12:02:42.843457Z');
CREATE TABLE base (
	name VARCHAR(63) NOT NULL, 
	base_id VARCHAR(64) NOT NULL, 
	path TEXT NOT NULL, 
	architecture TEXT NOT NULL, 
	module_shapes TEXT NOT NULL, 
	weights_digest VARCHAR(64) NOT NULL, 
	config_digest VARCHAR(64) NOT NULL, 
	tokenizer_digest VARCHAR(64) NOT NULL, 
	chat_template_digest VARCHAR(64), 
	created_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_base PRIMARY KEY (name)
);
INSERT INTO "base" VALUES('tiny','54434917a3352ba1d7c47be5e17cd32e54f511a88423ec257b5a2e922011f863','/srv/medley/base','TinyForCausalLM','{"model.layers.0.self_attn.q_proj":[8,8],"model.layers.0.self_attn.v_proj":[4,8]}','277aa4368d3de405e55b43877c8360916f807fa44405ddceee337aea45dc79a0','ba165367db4bf98b0d6a4ca5c62a3cc51fcebe9c21efc7d7b6278ca03c8b66ae','cbe017d49cabc53761bde33ab6d6b98c7b7a30ced0a9f109c7a9a28468d5fb2c','34ce2b0304fb758140ce6fc41bd094cc8db15e84ac114c3ae411be0fe16def70','2026-11-21T12:02:42.802227Z');
CREATE TABLE event (
	seq INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	subject TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	previous_hash VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_event PRIMARY KEY (seq)
);
INSERT INTO "event" VALUES(1,'2026-11-21T12:02:42.805872Z','base.added','tiny','ada','{"base_id":"sha256:54434917a3352ba1d7c47be5e17cd32e54f511a88423ec257b5a2e922011f863","name":"tiny","path":"/srv/medley/base"}','0000000000000000000000000000000000000000000000000000000000000000','3512f5ab3d25bb871de5da7a7c4a9045ae4b4e6daf4818b50eff31c6c22cd58c');
INSERT INTO "event" VALUES(2,'2026-11-21T12:02:42.816093Z','version.published','notes:1','ada','{"adapter":"notes","base":"tiny","base_id":"sha256:54434917a3352ba1d7c47be5e17cd32e54f511a88423ec257b5a2e922011f863","digest":"sha256:c888bc6af4f28b1a993e31ebebbed3209a16a554cf90f8583393031c5e42569a","number":1,"round":1}','3512f5ab3d25bb871de5da7a7c4a9045ae4b4e6daf4818b50eff31c6c22cd58c','ba0456c7de3148f87abd4539a51c71f5bfc52391502280f1c86ee159a3f43aa4');
INSERT INTO "event" VALUES(3,'2026-11-21T12:02:42.819918Z','alias.moved','notes@production','eve','{"adapter":"notes","alias":"production","digest":"sha256:c888bc6af4f28b1a993e31ebebbed3209a16a554cf90f8583393031c5e42569a","from_number":null,"generation":1,"reason":"promote","to_number":1}','ba0456c7de3148f87abd4539a51c71f5bfc52391502280f1c86ee159a3f43aa4','06cb3aeafd474e3e1b20c29f947d478fbe5eea2c33df07f4e26541a7489b62a7');
INSERT INTO "event" VALUES(4,'2026-11-21T12:02:42.825585Z','version.published','notes:2','ada','{"adapter":"notes","base":"tiny","base_id":"sha256:54434917a3352ba1d7c47be5e17cd32e54f511a88423ec257b5a2e922011f863","digest":"sha256:91562d301687dd212a008f2620968385456ae2fae8ce000d5cf9a40c596aefb9","number":2,"round":2}','06cb3aeafd474e3e1b20c29f947d478fbe5eea2c33df07f4e26541a7489b62a7','4cbe9b1e3c88393079901b6861dffdf8f16b4804a258af8e0e662c37ec53a316');
INSERT INTO "event" VALUES(5,'2026-11-21T12:02:42.827481Z','alias.moved','notes@production','eve','{"adapter":"notes","alias":"production","digest":"sha256:91562d301687dd212a008f2620968385456ae2fae8ce000d5cf9a40c596aefb9","from_number":1,"generation":2,"reason":"promote","to_number":2}','4cbe9b1e3c88393079901b6861dffdf8f16b4804a258af8e0e662c37ec53a316','09cce57ee6af45d9e63045061ca63f877de915d463778cd66c5deee13e68077e');
INSERT INTO "event" VALUES(6,'2026-11-21T12:02:42.832672Z','version.published','notes:3','ada','{"adapter":"notes","base":"tiny","base_id":"sha256:54434917a3352ba1d7c47be5e17cd32e54f511a88423ec257b5a2e922011f863","digest":"sha256:82e77f67f2dd6ddd7e5bf3d461a4638c0c03b6a5223246ce43b4e6c69b3a5892","number":3,"round":3}','09cce57ee6af45d9e63045061ca63f877de915d463778cd66c5deee13e68077e','fd883e63d266b09e78725bdfef3f23c1f5f7e9478d260c2d0a11155388e06357');
INSERT INTO "event" VALUES(7,'2026-11-21T12:02:42.834413Z','alias.moved','notes@production','eve','{"adapter":"notes","alias":"production","digest":"sha256:82e77f67f2dd6ddd7e5bf3d461a4638c0c03b6a5223246ce43b4e6c69b3a5892","from_number":2,"generation":3,"reason":"promote","to_number":3}','fd883e63d266b09e78725bdfef3f23c1f5f7e9478d260c2d0a11155388e06357','b3225feac51631dd347a245353cdc7e7afbad6a062253f2547c6a7b21e263dff');
INSERT INTO "event" VALUES(8,'2026-11-21T12:02:42.837146Z','alias.moved','notes@production','eve','{"adapter":"notes","alias":"production","digest":"sha256:91562d301687dd212a008f2620968385456ae2fae8ce000d5cf9a40c596aefb9","from_number":3,"generation":4,"reason":"rollback","to_number":2}','b3225feac51631dd347a245353cdc7e7afbad6a062253f2547c6a7b21e263dff','7d2782385ba19e1eef8fe794b8f1aef51f06804ae09495caf04cea9246892fdd');
INSERT INTO "event" VALUES(9,'2026-11-21T12:02:42.841857Z','version.published','letters:1','ada','{"adapter":"letters","base":"tiny","base_id":"sha256:54434917a3352ba1d7c47be5e17cd32e54f511a88423ec257b5a2e922011f863","digest":"sha256:c888bc6af4f28b1a993e31ebebbed3209a16a554cf90f8583393031c5e42569a","number":1,"round":null}','7d2782385ba19e1eef8fe794b8f1aef51f06804ae09495caf04cea9246892fdd','3ae3fc0c413354d0bacc23558ff7acfd5a7f201a57f48b846cb38af014bdfb33');
INSERT INTO "event" VALUES(10,'2026-11-21T12:02:42.843457Z','alias.moved','letters@canary','eve','{"adapter":"letters","alias":"canary","digest":"sha256:c888bc6af4f28b1a993e31ebebbed3209a16a554cf90f8583393031c5e42569a","from_number":null,"generation":1,"reason":"promote","to_number":1}','3ae3fc0c413354d0bacc23558ff7acfd5a7f201a57f48b846cb38af014bdfb33','e1ae3dc51e43e45d43b37dd7b4259d766770ae0029d27d259c42a6a881255221');
CREATE TABLE schema_version (
	number INTEGER NOT NULL, 
	CONSTRAINT pk_schema_version PRIMARY KEY (number)
);
INSERT INTO "schema_version" VALUES(1);
CREATE TABLE version (
	adapter_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	manifest TEXT NOT NULL, 
	rank INTEGER NOT NULL, 
	alpha FLOAT NOT NULL, 
	target_modules TEXT NOT NULL, 
	round INTEGER, 
	state VARCHAR(16) NOT NULL, 
	note TEXT NOT NULL, 
	published_by TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_version PRIMARY KEY (adapter_id, number), 
	CONSTRAINT uq_version_adapter_id_digest UNIQUE (adapter_id, digest), 
	CONSTRAINT ck_version_number CHECK (number > 0), 
	CONSTRAINT fk_version_adapter_id_adapter FOREIGN KEY(adapter_id) REFERENCES adapter (id)
);
INSERT INTO "version" VALUES(1,1,'c888bc6af4f28b1a993e31ebebbed3209a16a554cf90f8583393031c5e42569a','{"files":[{"media_type":"application/json","path":"adapter_config.json","sha256":"46bdae901db13acaac7dc6f80600762f6f51cf19f1655f1b8165da4a7d7b79bf","size":128},{"media_type":"application/vnd.safetensors","path":"adapter_model.safetensors","sha256":"8b86a0bf8d0723965426fe4faed9b382a608c43eb6086fb376285d2f5a344ee9","size":744}],"schema_version":1}',2,4.0,'["q_proj","v_proj"]',1,'admitted','round 1','ada','2026-11-21T12:02:42.816093Z');
INSERT INTO "version" VALUES(1,2,'91562d301687dd212a008f2620968385456ae2fae8ce000d5cf9a40c596aefb9','{"files":[{"media_type":"application/json","path":"adapter_config.json","sha256":"46bdae901db13acaac7dc6f80600762f6f51cf19f1655f1b8165da4a7d7b79bf","size":128},{"media_type":"application/vnd.safetensors","path":"adapter_model.safetensors","sha256":"b7a39ca3f5701359d515b3d0c1a9cbd30dfa28fcdc287e1b6953e8f99b4fe0c1","size":744}],"schema_version":1}',2,4.0,'["q_proj","v_proj"]',2,'admitted','round 2','ada','2026-11-21T12:02:42.825585Z');
INSERT INTO "version" VALUES(1,3,'82e77f67f2dd6ddd7e5bf3d461a4638c0c03b6a5223246ce43b4e6c69b3a5892','{"files":[{"media_type":"application/json","path":"adapter_config.json","sha256":"46bdae901db13acaac7dc6f80600762f6f51cf19f1655f1b8165da4a7d7b79bf","size":128},{"media_type":"application/vnd.safetensors","path":"adapter_model.safetensors","sha256":"c2e1aafabf794bc6468c594098093d6f44174db0e2bf1ed0f41204b141634472","size":744}],"schema_version":1}',2,4.0,'["q_proj","v_proj"]',3,'admitted','round 3','ada','2026-11-21T12:02:42.832672Z');
INSERT INTO "version" VALUES(2,1,'c888bc6af4f28b1a993e31ebebbed3209a16a554cf90f8583393031c5e42569a','{"files":[{"media_type":"application/json","path":"adapter_config.json","sha256":"46bdae901db13acaac7dc6f80600762f6f51cf19f1655f1b8165da4a7d7b79bf","size":128},{"media_type":"application/vnd.safetensors","path":"adapter_model.safetensors","sha256":"8b86a0bf8d0723965426fe4faed9b382a608c43eb6086fb376285d2f5a344ee9","size":744}],"schema_version":1}',2,4.0,'["q_proj","v_proj"]',NULL,'admitted','','ada','2026-11-21T12:02:42.841857Z');
CREATE TRIGGER base_no_update BEFORE UPDATE OF "name", "base_id", "architecture", "module_shapes", "weights_digest", "config_digest", "tokenizer_digest", "chat_template_digest", "created_at" ON base BEGIN SELECT RAISE(ABORT, 'base rows are final'); END;
CREATE TRIGGER base_no_delete BEFORE DELETE ON base BEGIN SELECT RAISE(ABORT, 'base rows are final'); END;
CREATE TRIGGER adapter_no_update BEFORE UPDATE OF "id", "name", "base", "base_id", "created_at" ON adapter BEGIN SELECT RAISE(ABORT, 'adapter rows are final'); END;
CREATE TRIGGER adapter_no_delete BEFORE DELETE ON adapter BEGIN SELECT RAISE(ABORT, 'adapter rows are final'); END;
CREATE TRIGGER version_no_update BEFORE UPDATE OF "adapter_id", "number", "digest", "manifest", "rank", "alpha", "target_modules", "round", "note", "published_by", "created_at" ON version BEGIN SELECT RAISE(ABORT, 'version rows are final'); END;
CREATE TRIGGER version_no_delete BEFORE DELETE ON version BEGIN SELECT RAISE(ABORT, 'version rows are final'); END;
CREATE TRIGGER alias_move_no_update BEFORE UPDATE OF "id", "adapter_id", "alias", "generation", "from_number", "to_number", "actor", "reason", "at" ON alias_move BEGIN SELECT RAISE(ABORT, 'alias_move rows are final'); END;
CREATE TRIGGER alias_move_no_delete BEFORE DELETE ON alias_move BEGIN SELECT RAISE(ABORT, 'alias_move rows are final'); END;
CREATE TRIGGER event_no_update BEFORE UPDATE OF "seq", "at", "kind", "subject", "actor", "payload", "previous_hash", "hash" ON event BEGIN SELECT RAISE(ABORT, 'event rows are final'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'event rows are final'); END;
COMMIT;
