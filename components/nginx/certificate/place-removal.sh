rm -rf /etc/ssl/berth /usr/local/lib/berth/certificate /var/lib/berth/certificate.json /run/berth-certificate.lock
