set -eu; umask 077
step=$(mktemp /dev/shm/berth-nginx-site.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='nginx-site'
name='shop'
scheme='http'
domain='shop.example.org'
health='/health'
user='team'
password_file='/etc/nginx/berth.htpasswd'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: nginx-site: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin 'basic_auth'

put_file '/etc/nginx/conf.d/berth.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: what holds for every site on this host.
log_format berth '$remote_addr - $remote_user [$time_iso8601] "$request" $status $body_bytes_sent '
                 '"$http_referer" "$http_user_agent" host=$host time=$request_time '
                 'connect=$upstream_connect_time upstream=$upstream_response_time';

# A static file whose name holds a hash of its content never changes.
map $uri $berth_static_cache {
    default                          "public, max-age=3600";
    "~\.[0-9a-f]{8,64}\.[A-Za-z0-9]+$" "public, max-age=31536000, immutable";
}
BERTH_FILE_END
put_file '/etc/nginx/snippets/berth-server.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: what every server of the site has. Here and not for all of nginx, where Debian has settings of its own.
server_tokens off;
gzip on;
gzip_vary on;
gzip_proxied any;
gzip_min_length 1024;
gzip_types text/css text/plain application/javascript application/json application/xml image/svg+xml;
BERTH_FILE_END
put_file '/etc/nginx/snippets/berth-tls.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: Mozilla's "intermediate" profile, https://ssl-config.mozilla.org/
ssl_protocols TLSv1.2 TLSv1.3;
ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
ssl_prefer_server_ciphers off;
ssl_session_timeout 1d;
ssl_session_cache shared:berth:10m;
ssl_session_tickets off;
BERTH_FILE_END
put_file '/etc/nginx/snippets/berth-headers.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: security headers. A location that adds a header of its own must include this file again (nginx's add_header).
add_header X-Content-Type-Options "nosniff" always;
add_header X-Frame-Options "DENY" always;
add_header Referrer-Policy "same-origin" always;
add_header Cross-Origin-Opener-Policy "same-origin" always;
BERTH_FILE_END
put_file '/usr/local/share/berth/shop/berth/away.html' 'root:root' '0644' <<'BERTH_FILE_END'
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="refresh" content="10">
    <title>Back in a moment</title>
    <style>
      :root { color-scheme: light dark; }
      body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1.1rem/1.6 system-ui, sans-serif; }
      main { max-width: 32rem; padding: 2rem; text-align: center; }
      h1 { font-size: 1.8rem; margin: 0 0 0.5rem; }
      p { margin: 0; opacity: 0.8; }
    </style>
  </head>
  <body>
    <main>
      <h1>Back in a moment</h1>
      <p>The site is not answering just now. This page tries again every ten seconds.</p>
    </main>
  </body>
</html>
BERTH_FILE_END
put_file '/usr/local/share/berth/shop/berth/maintenance.html' 'root:root' '0644' <<'BERTH_FILE_END'
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="refresh" content="60">
    <title>Under maintenance</title>
    <style>
      :root { color-scheme: light dark; }
      body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1.1rem/1.6 system-ui, sans-serif; }
      main { max-width: 32rem; padding: 2rem; text-align: center; }
      h1 { font-size: 1.8rem; margin: 0 0 0.5rem; }
      p { margin: 0; opacity: 0.8; }
    </style>
  </head>
  <body>
    <main>
      <h1>Under maintenance</h1>
      <p>The site is being worked on and will be back. This page looks again every minute.</p>
    </main>
  </body>
</html>
BERTH_FILE_END
put_file '/etc/nginx/sites-available/shop.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: the site of the application 'shop'.
upstream shop {
    # A link to the socket of the release that is live. Connections are made anew for each request, so that the next one
    # goes where it leads then.
    server unix:/run/shop/web.sock max_fails=0;
    # While a new release proves itself: the one before, for a request that was lost with a crash and may be asked again.
    server unix:/run/shop/before.sock backup max_fails=0;
}

# What is answered while the maintenance page is shown: the health path; where it is the front page, to this host alone.
map "$uri" $berth_always {
    default "";
    "/health" always;
}

# Who is asked for a name and a password. A front page that is the health path is open to this host alone.
map "$uri" $berth_realm {
    default "shop";
    "/health" off;
}

# A name that is not the site's.
server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name _;
    return 421;
}

server {
    listen 80;
    listen [::]:80;
    server_name shop.example.org;

    access_log /var/log/nginx/shop.access.log berth;
    error_log /var/log/nginx/shop.error.log;

    client_max_body_size 25m;
    client_body_timeout 60s;
    send_timeout 60s;
    keepalive_timeout 65s;
    include /etc/nginx/snippets/berth-server.conf;
    include /etc/nginx/snippets/berth-headers.conf;
    auth_basic $berth_realm;
    auth_basic_user_file /etc/nginx/berth.htpasswd;

    location ^~ /static/ {
        alias /srv/shop/static/current/;
        gzip_static on;
        brotli_static on;
        access_log off;
        include /etc/nginx/snippets/berth-headers.conf;
        add_header Cache-Control $berth_static_cache;
        # A page of the release before may still ask for files of its own.
        error_page 404 = /berth/before$uri;
    }

    location ^~ /berth/before/static/ {
        internal;
        alias /srv/shop/static/before/;
        gzip_static on;
        brotli_static on;
        access_log off;
        include /etc/nginx/snippets/berth-headers.conf;
        add_header Cache-Control $berth_static_cache;
    }

    # What visitors upload is shown, never run.
    location ^~ /media/ {
        alias /srv/shop/media/;
        include /etc/nginx/snippets/berth-headers.conf;
        add_header Content-Security-Policy "script-src 'none'; object-src 'none'; base-uri 'none'" always;
        add_header Cache-Control "public, max-age=3600";
    }

    location / {
        # 'npm run maintenance'
        set $berth_door $berth_always;
        if (-f /etc/berth/shop/maintenance) { set $berth_door "$berth_always shut"; }
        if ($berth_door = " shut") { rewrite ^ /berth/maintenance last; }

        proxy_pass http://shop;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        # The site's own password is nothing that the application should know.
        proxy_set_header Authorization "";
        proxy_connect_timeout 10s;
        proxy_read_timeout 60s;
        proxy_send_timeout 60s;
        proxy_next_upstream error;
        # Headers that the site sets above are not sent twice.
        proxy_hide_header X-Content-Type-Options;
        proxy_hide_header X-Frame-Options;
        proxy_hide_header Referrer-Policy;
        proxy_hide_header Cross-Origin-Opener-Policy;
        error_page 502 503 504 /berth/away.html;
    }

    # Shown while the application does not answer; an error that it answers itself is passed on as it is.
    location = /berth/away.html {
        internal;
        auth_basic off;
        root /usr/local/share/berth/shop;
        include /etc/nginx/snippets/berth-headers.conf;
        add_header Retry-After 10 always;
        add_header Cache-Control "no-store" always;
    }

    location = /berth/maintenance {
        internal;
        auth_basic off;
        error_page 503 /berth/maintenance.html;
        return 503;
    }
    location = /berth/maintenance.html {
        internal;
        auth_basic off;
        root /usr/local/share/berth/shop;
        include /etc/nginx/snippets/berth-headers.conf;
        add_header Retry-After 300 always;
        add_header Cache-Control "no-store" always;
    }
}
BERTH_FILE_END
: "${name?the name of the site}"
: "${scheme?http or https}"
: "${domain?the name to ask the site by}"
: "${health?the path that answers 200 when the application is well}"

rm -f /etc/nginx/sites-enabled/default
put_link "/etc/nginx/sites-enabled/$name.conf" "/etc/nginx/sites-available/$name.conf"

if ! reason=$(nginx -t 2>&1); then
  rm -f "/etc/nginx/sites-enabled/$name.conf"
  fail "nginx refuses its configuration: $(grep -m 1 emerg <<<"$reason" || tail -n 1 <<<"$reason")." "The site was taken out of sites-enabled, so that nginx can still start; what runs now goes on."
fi
on_change reload nginx.service /etc/nginx/ /etc/ssl/berth/
enabled nginx.service

ask() { curl -sk -o /dev/null -m "$1" -w '%{http_code}' --resolve "$domain:443:127.0.0.1" --resolve "$domain:80:127.0.0.1" "$2"; }
well() { [ "$(ask 10 "$scheme://$domain$health")" = 200 ]; }
wait_until 30 well || fail "$scheme://$domain$health answers $(ask 10 "$scheme://$domain$health" || true) through nginx, and 200 was expected." "See 'tail /var/log/nginx/$name.error.log' on the host."
# A reload takes a moment in which the workers of before still answer.
sent_on() { [ "$(ask 10 "http://$domain/")" = 301 ]; }
if [ "$scheme" = https ]; then wait_until 30 sent_on || fail "http://$domain/ is not sent on to HTTPS."; fi

: "${user?the name that visitors log in with}"
: "${password_file?where nginx looks for its password}"

# The password goes by standard input, as a line of curl's own configuration (curl(1), --config).
front() { curl -sk -o /dev/null -m 10 -w '%{http_code}' --resolve "$domain:443:127.0.0.1" --resolve "$domain:80:127.0.0.1" "$@" "$scheme://$domain$protected"; }
login() { printf 'user = "%s"\n' "$(printf '%s:%s' "$user" "$(secret basic_auth)" | sed 's/[\\"]/\\&/g')"; }
# A path that no application has: with the password it is asked, and answers what it likes.
protected=/berth/password
refused() { [ "$(front)" = 401 ]; }
wait_until 30 refused || fail "$scheme://$domain$protected answers $(front || true) without a password, and 401 was expected."
answer=$(login | front --config - || true)
[ "$answer" != 401 ] || fail "nginx does not take the name and the password from $password_file." "See 'tail /var/log/nginx/$name.error.log' on the host."

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
