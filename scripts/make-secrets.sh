#!/bin/sh
# sh scripts/make-secrets.sh: makes what docker-compose.yml hands its containers, in infra/secrets (or the folder given).
# What is there already stays as it is: to change a secret, delete its files and run this again.
#
# The folder is its owner's alone. The files within are readable to anybody who got in, because each is mounted by itself
# into a container whose user is not this one.
set -eu
cd -- "$(dirname -- "$0")/.."
folder=${1:-infra/secrets}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"

# keep NAME VALUE: writes it whole or not at all.
keep() {
  [ -s "$folder/$1" ] && return
  printf '%s\n' "$2" >"$folder/$1.new"
  chmod 444 "$folder/$1.new"
  mv "$folder/$1.new" "$folder/$1"
  echo "made $folder/$1"
}

password() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

keep postgres-password "$(password)"
keep database-admin-url "postgresql://keelson:$(cat "$folder/postgres-password")@postgres:5432/keelson"
for kind in app worker dispatcher; do
  keep "$kind-database-url" "postgresql://keelson_${kind}_login:$(password)@postgres:5432/keelson"
done
keep redis.conf "requirepass $(password)"
keep redis-url "redis://:$(sed -n 's/^requirepass //p' "$folder/redis.conf")@redis:6379"
keep admin-token "$(password)"
# Tenants' secrets are encrypted with it: keep a copy elsewhere.
keep master-key "$(head -c 32 /dev/urandom | base64)"
keep grafana-password "$(password)"
